//! What users write: rules with their conditions in SQL, formats with their patterns, wording. The first byte says which.

use tapscope::attribute::rule_check;
use tapscope::parse::own;

/// Checks the text: it is right, or it is said why not.
pub fn run(data: &[u8]) {
    let Some((&which, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match which % 4 {
        0 => {
            if let Err(fault) = rule_check(text) {
                assert!(!fault.to_string().is_empty());
            }
        }
        // A condition alone: mutations then meet SQL, not the layout of TOML.
        1 => {
            let rule = format!("{HEAD}when = '''{}'''\n", text.replace("'''", ""));
            let _ = rule_check(&rule);
        }
        2 => {
            for fault in own::format_faults(text) {
                assert!(!fault.is_empty());
            }
        }
        _ => {
            // A pattern alone, against a line of its own.
            let (pattern, line) = text.split_once('\n').unwrap_or((text, ""));
            let clean = |text: &str| {
                text.replace("'''", "")
                    .replace(|c: char| c.is_control(), "")
            };
            let _ = own::format_faults(&format!(
                "name = \"fuzzed\"\ntitle = \"f\"\npattern = '''{}'''\ntime = '''%Y-%m-%d %H:%M:%S'''\nmatches = ['''{}''']\nrejects = ['''''']\n",
                clean(pattern),
                clean(line)
            ));
        }
    }
}

const HEAD: &str = r#"code = "FUZZED"
family = "NET"
name_en = "f"
name_zh = "f"
explanation_en = "f"
explanation_zh = "f"
remedy_en = "f"
remedy_zh = "f"
owners = ["network"]
prior = 0.01
[[evidence]]
name = "e"
role = "decisive"
text_en = "f"
text_zh = "f"
"#;
