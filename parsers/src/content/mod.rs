//! What a record's text carries: hex APDUs, NCI, ISO 8583 in XML, key-values, vendor wording. One file a kind.
