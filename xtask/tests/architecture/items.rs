//! The items of a source file, with what is written about them. It is read by lines, as rustfmt lays them out.

/// An item: its documentation, and its first lines up to the body.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) line: usize,
    pub(crate) docs: String,
    pub(crate) head: String,
    pub(crate) in_public_trait: bool,
}

impl Item {
    /// The name of a function that others may call or implement.
    pub(crate) fn public_function(&self) -> Option<&str> {
        let public = self.head.strip_prefix("pub ");
        let head = if self.in_public_trait { Some(self.head.as_str()) } else { public }?;
        let head = head.strip_prefix("const ").unwrap_or(head);
        let name = head.strip_prefix("async ").unwrap_or(head).strip_prefix("fn ")?;
        name.split(['<', '(']).next()
    }

    /// The name of a type or trait that others may use.
    pub(crate) fn public_type(&self) -> Option<&str> {
        let kinds = ["pub struct ", "pub enum ", "pub trait "];
        let rest = kinds.iter().find_map(|kind| self.head.strip_prefix(kind))?;
        rest.split(|c: char| !c.is_alphanumeric()).next()
    }

    /// The name of a macro.
    pub(crate) fn macro_name(&self) -> Option<&str> {
        self.head.strip_prefix("macro_rules! ")?.split([' ', '{']).next()
    }
}

/// The items of a source that are not its tests.
pub(crate) fn items(source: &str) -> Vec<Item> {
    let lines: Vec<&str> = source.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    let (mut items, mut docs, mut public_trait) = (Vec::new(), String::new(), None);
    for (index, line) in lines.iter().enumerate() {
        let (text, indent) = (line.trim_start(), line.len() - line.trim_start().len());
        if let Some(doc) = text.strip_prefix("///") {
            docs.extend([doc, "\n"]);
        } else if is_start(text) {
            let head = head(&lines[index..]);
            let in_public_trait = public_trait.is_some();
            if head.starts_with("pub trait ") {
                public_trait = Some(indent);
            }
            items.push(Item { line: index + 1, docs: std::mem::take(&mut docs), head, in_public_trait });
        } else if text.is_empty() || text.starts_with('}') {
            docs.clear();
        }
        if text.starts_with('}') && public_trait == Some(indent) {
            public_trait = None;
        }
    }
    items
}

/// Whether an item begins here. Attributes between it and its documentation belong to neither.
fn is_start(text: &str) -> bool {
    ["pub ", "pub(", "fn ", "async fn ", "impl ", "impl<", "struct ", "enum ", "trait ", "macro_rules! "]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The lines of an item up to its body, as one.
fn head(lines: &[&str]) -> String {
    let mut head = String::new();
    for line in lines {
        head.extend([line.trim(), " "]);
        if line.ends_with(['{', ';', '}']) {
            break;
        }
    }
    head.trim_end().to_owned()
}

#[test]
fn an_item_is_read_with_its_documentation_and_its_whole_head() {
    let source = "/// One.\n#[must_use]\npub fn one(\n    a: A,\n) -> B {\n}\n\n/// Two.\npub trait Two {\n    fn three();\n}\nfn four() {\n}\n";
    let items = items(source);
    let heads: Vec<&str> = items.iter().map(|item| item.head.as_str()).collect();
    assert_eq!(heads, ["pub fn one( a: A, ) -> B {", "pub trait Two {", "fn three();", "fn four() {"]);
    let docs: Vec<&str> = items.iter().map(|item| item.docs.trim()).collect();
    assert_eq!(docs, ["One.", "Two.", "", ""]);
    let functions: Vec<_> = items.iter().map(Item::public_function).collect();
    assert_eq!(functions, [Some("one"), None, Some("three"), None]);
    assert_eq!(items[1].public_type(), Some("Two"));
}
