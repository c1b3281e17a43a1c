//! SVG as text, element by element.

use std::fmt::Write;

/// A document that is being written.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Begins an element that holds others.
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">\n");
    }

    /// Ends it.
    pub(crate) fn close(&mut self, name: &str) {
        let _ = writeln!(self.text, "</{name}>");
    }

    /// An element that holds nothing.
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    /// An element that holds text, which stays text.
    pub(crate) fn holding(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes, ">");
        let _ = writeln!(self.text, "{}</{name}>", escaped(text));
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        let _ = write!(self.text, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.text, " {key}=\"{}\"", escaped(value));
        }
        self.text.push_str(end);
    }

    /// Text at its baseline; classes say its size and where it is anchored.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        self.holding("text", &[("x", &number(x)), ("y", &number(y)), ("class", class)], text);
    }

    /// A straight line.
    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
        self.empty("line", &[("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2), ("class", class)]);
    }

    /// Vertical lines of one kind, as one path; nothing where there are none.
    pub(crate) fn verticals(&mut self, class: &str, xs: &[f64], (top, bottom): (f64, f64)) {
        if xs.is_empty() {
            return;
        }
        let mut path = String::new();
        for x in xs {
            let _ = write!(path, "M{} {}V{}", number(*x), number(top), number(bottom));
        }
        self.empty("path", &[("class", class), ("d", &path)]);
    }

    /// A rectangle with a colour of its own.
    pub(crate) fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        self.empty("rect", &[("x", &x), ("y", &y), ("width", &width), ("height", &height), ("fill", fill)]);
    }
}

/// A length with two decimals at most.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as XML 1.0 can hold it: what marks it up is escaped, what it cannot hold becomes a replacement character, ends
/// of lines and tabs a space.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\0'..'\x20' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        assert_eq!(
            [0.0, -0.001, 12.5, 2.714, 100.0, -7.0].map(number),
            ["0", "0", "12.5", "2.71", "100", "-7"]
        );
    }

    #[test]
    fn marks_are_escaped_and_controls_replaced() {
        assert_eq!(escaped("a<b>&\"c\"\n\u{1}\u{ffff}'"), "a&lt;b&gt;&amp;&quot;c&quot; \u{fffd}\u{fffd}'");
    }
}
