//! XML as it comes: elements and text, with the line that each begins on.

use crate::error::{Error, Position, Result};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader as Xml, XmlVersion};
use std::io::{BufRead, BufReader, Read};

/// A text may not be longer.
const MAX_TEXT: usize = 1 << 30;

/// Counts the lines that were passed.
struct Counted {
    reader: BufReader<Box<dyn Read + Send>>,
    lines: u64,
    bytes: u64,
    /// What may be read before the next event has to come: an element or a text is not larger.
    budget: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = self.fill_buf()?;
        let size = filled.read(buffer)?;
        self.consume(size);
        Ok(size)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.budget == 0 {
            return Err(std::io::Error::other("an element or a text is larger than 1 GiB"));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, size: usize) {
        let passed = self.reader.buffer().get(..size).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.bytes += size as u64;
        self.budget = self.budget.saturating_sub(size as u64);
        self.reader.consume(size);
    }
}

/// What comes next.
pub(super) enum Part {
    /// An element begins; [`Markup::attributes`] are its own. With `empty`, it ends at once.
    Open { empty: bool },
    /// The element that began last and has not ended ends; [`Markup::name`] is its name.
    Close,
    /// Text; it lies in [`Markup::text`].
    Text,
    /// The document ends.
    End,
}

/// A document.
pub(super) struct Markup {
    xml: Xml<Counted>,
    buffer: Vec<u8>,
    /// The name of the element that [`Part::Open`] or [`Part::Close`] told, without its prefix.
    pub(super) name: String,
    /// Its attributes: names with their prefixes, and values.
    pub(super) attributes: Attributes,
    /// What [`Part::Text`] told.
    pub(super) text: String,
    line: u64,
    depth: usize,
}

/// Attributes in memory that is used again.
#[derive(Default)]
pub(super) struct Attributes {
    all: Vec<(String, String)>,
    count: usize,
}

impl Attributes {
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let mut all = self.all.iter().take(self.count);
        all.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(&mut self, start: &BytesStart<'_>) -> Result<()> {
        self.count = 0;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|cause| Error::corrupt(format!("an attribute is damaged: {cause}")))?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|cause| Error::corrupt(format!("an attribute is damaged: {cause}")))?;
            if self.all.len() == self.count {
                self.all.push(Default::default());
            }
            if let Some((name, text)) = self.all.get_mut(self.count) {
                name.clear();
                name.push_str(attribute.key.as_ref());
                text.clear();
                text.push_str(&value);
            }
            self.count += 1;
        }
        Ok(())
    }
}

impl Markup {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let reader = BufReader::with_capacity(256 << 10, reader);
        let xml = Xml::from_reader(Counted { reader, lines: 0, bytes: 0, budget: MAX_TEXT as u64 });
        Self {
            xml,
            buffer: Vec::new(),
            name: String::new(),
            attributes: Attributes::default(),
            text: String::new(),
            line: 1,
            depth: 0,
        }
    }

    /// The line on which the last part began.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// An error about the last part.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Error {
        self.at(Error::corrupt(message))
    }

    pub(super) fn at(&self, error: Error) -> Error {
        error.at(Position::line(self.line))
    }

    /// The next part.
    pub(super) fn next(&mut self) -> Result<Part> {
        loop {
            self.buffer.clear();
            if self.buffer.capacity() > 8 << 20 {
                self.buffer.shrink_to(1 << 20);
                self.text.shrink_to(1 << 20);
            }
            let counted = self.xml.get_mut();
            counted.budget = MAX_TEXT as u64;
            self.line = counted.lines + 1;
            let position = Position::line(self.line);
            let event = self.xml.read_event_into(&mut self.buffer).map_err(|cause| match cause {
                quick_xml::Error::Io(cause) => Error::corrupt(format!("reading XML: {cause}")).at(position.clone()),
                cause => Error::corrupt(format!("this is no well-formed XML: {cause}")).at(position.clone()),
            })?;
            match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > 256 {
                        return Err(Error::corrupt("elements are nested more than 256 deep").at(position));
                    }
                    open(&start, &mut self.name, &mut self.attributes).map_err(|error| error.at(position))?;
                    return Ok(Part::Open { empty: false });
                }
                Event::Empty(start) => {
                    open(&start, &mut self.name, &mut self.attributes).map_err(|error| error.at(position))?;
                    return Ok(Part::Open { empty: true });
                }
                Event::End(end) => {
                    self.depth -= 1;
                    self.name.clear();
                    self.name.push_str(end.local_name().as_ref());
                    return Ok(Part::Close);
                }
                Event::Text(text) => {
                    self.text.clear();
                    self.text.push_str(&text.xml10_content());
                    return Ok(Part::Text);
                }
                Event::CData(text) => {
                    self.text.clear();
                    self.text.push_str(&text.xml10_content());
                    return Ok(Part::Text);
                }
                Event::GeneralRef(reference) => {
                    self.text.clear();
                    let char = match reference.resolve_char_ref() {
                        Ok(Some(char)) => Some(char),
                        Ok(None) => match &*reference {
                            "lt" => Some('<'),
                            "gt" => Some('>'),
                            "amp" => Some('&'),
                            "quot" => Some('"'),
                            "apos" => Some('\''),
                            _ => None,
                        },
                        Err(_) => None,
                    };
                    let Some(char) = char else {
                        let message = format!("the reference &{}; means nothing here", &*reference);
                        return Err(Error::corrupt(message).at(position));
                    };
                    self.text.push(char);
                    return Ok(Part::Text);
                }
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().and_then(|encoding| encoding.ok());
                    if let Some(encoding) = encoding
                        && !["UTF-8", "US-ASCII", "ASCII", "UTF8"]
                            .iter()
                            .any(|known| encoding.eq_ignore_ascii_case(known))
                    {
                        let error = Error::corrupt(format!("the file is in the encoding {encoding}"));
                        return Err(error.at(position).hint("convert it to UTF-8: iconv -t UTF-8"));
                    }
                }
                Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof if self.depth > 0 => {
                    return Err(Error::corrupt("the file ends inside of an element: it is cut off").at(position));
                }
                Event::Eof => return Ok(Part::End),
            }
        }
    }

    /// Passes over what the element that began holds, to its end.
    pub(super) fn skip(&mut self) -> Result<()> {
        let wanted = self.depth - 1;
        while self.depth > wanted {
            self.next()?;
        }
        Ok(())
    }

    /// Collects the text up to the end of the element that began; whether there were elements in it. What is in `within` is the text of those alone.
    pub(super) fn whole_text(&mut self, whole: &mut String) -> Result<bool> {
        whole.clear();
        let wanted = self.depth - 1;
        let mut elements = false;
        let line = self.line;
        while self.depth > wanted {
            match self.next()? {
                Part::Open { .. } => elements = true,
                Part::Text => {
                    whole.push_str(&self.text);
                    if whole.len() > MAX_TEXT {
                        return Err(self.wrong("a text is larger than 1 GiB"));
                    }
                }
                _ => {}
            }
        }
        self.line = line;
        Ok(elements)
    }
}

fn open(start: &BytesStart<'_>, name: &mut String, attributes: &mut Attributes) -> Result<()> {
    name.clear();
    name.push_str(start.local_name().as_ref());
    attributes.read(start)
}
