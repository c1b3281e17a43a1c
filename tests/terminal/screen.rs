//! A terminal as far as our bars go: what stands on it in the end, and that nothing was torn on the way.

/// Lines that stand on the screen and above it, and where the cursor is.
pub(crate) struct Screen {
    columns: usize,
    rows: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// Lines of text that went over the edge, where a terminal goes on in the next. What fills a line up to the edge
    /// with spaces, to begin the next one, is none of them.
    pub(crate) wrapped: usize,
}

impl Screen {
    /// What `bytes` leave on a screen of this size. Wide characters count as two columns.
    #[track_caller]
    pub(crate) fn after(bytes: &[u8], columns: usize, rows: usize) -> Self {
        let lines = vec![Vec::new()];
        let mut screen = Self { columns, rows, lines, row: 0, column: 0, wrapped: 0 };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => screen.column = 0,
                '\n' => screen.down(1),
                '\u{1b}' => {
                    assert_eq!(chars.next(), Some('['), "{text:?}");
                    let (mut number, mut end) = (String::new(), ' ');
                    for c in chars.by_ref() {
                        end = c;
                        if c.is_ascii_alphabetic() {
                            break;
                        }
                        number.push(c);
                    }
                    screen.obey(&number, end);
                }
                c => screen.put(c),
            }
        }
        screen
    }

    #[track_caller]
    fn obey(&mut self, number: &str, end: char) {
        let count = number.parse().unwrap_or(1);
        match end {
            'm' => {}
            'K' => self.lines[self.row].clear(),
            'B' => self.down(count),
            'A' => {
                let top = self.lines.len().saturating_sub(self.rows);
                assert!(self.row >= top + count, "the cursor is sent above the top: the screen tears");
                self.row -= count;
            }
            _ => panic!("a sequence that bars do not need: {number}{end}"),
        }
    }

    fn down(&mut self, count: usize) {
        self.row += count;
        self.lines.resize(self.lines.len().max(self.row + 1), Vec::new());
    }

    fn put(&mut self, c: char) {
        let wide = u32::from(c) >= 0x2e80;
        if self.column + usize::from(wide) >= self.columns {
            let edge = self.lines[self.row].get(self.columns - 1).copied();
            self.wrapped += usize::from(edge.is_some_and(|c| c != ' '));
            (self.column, self.row) = (0, self.row + 1);
            self.lines.resize(self.lines.len().max(self.row + 1), Vec::new());
        }
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = c;
        self.column += 1 + usize::from(wide);
    }

    /// The lines, without what is blank.
    pub(crate) fn text(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }
}
