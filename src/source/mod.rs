//! Finds inputs: files, folders, globs, archives, standard input; gives each an identity and a stable order.
