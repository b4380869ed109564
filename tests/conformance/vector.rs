//! Reads the vectors from their file.

use std::time::Duration;

use serde_json::Value;

/// A behaviour vector.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) section: String,
    pub(crate) id: String,
    pub(crate) body: Value,
}

/// Access to the fields of a JSON object by type.
pub(crate) trait Fields {
    fn text(&self, field: &str) -> Option<&str>;
    fn number(&self, field: &str) -> Option<f64>;

    /// Returns a required whole number.
    fn count(&self, field: &str) -> u32 {
        self.number(field).unwrap_or_else(|| panic!("no number {field}")) as u32
    }

    /// Returns a duration in milliseconds; `None` if it is absent or zero.
    fn millis(&self, field: &str) -> Option<Duration> {
        self.number(field).filter(|millis| *millis > 0.0).map(|millis| Duration::from_secs_f64(millis / 1e3))
    }

    /// Returns how many times a step runs.
    fn times(&self) -> u32 {
        self.number("repeat").map_or(1, |times| times as u32)
    }
}

impl Vector {
    pub(crate) fn config(&self) -> &Value {
        &self.body["config"]
    }

    /// Returns the kind or model of the vector, if its section has several.
    pub(crate) fn kind(&self) -> &str {
        self.body.text("kind").or(self.body.text("model")).unwrap_or_default()
    }

    pub(crate) fn list(&self, field: &str) -> &[Value] {
        self.body[field].as_array().map_or(&[], Vec::as_slice)
    }

    /// Returns the steps with their numbers.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.list("steps").iter().enumerate()
    }
}

impl Fields for Value {
    fn text(&self, field: &str) -> Option<&str> {
        self[field].as_str()
    }

    fn number(&self, field: &str) -> Option<f64> {
        self[field].as_f64()
    }
}

/// Returns all vectors of the file.
pub(crate) fn read(data: &str) -> Vec<Vector> {
    let file: Value = serde_json::from_str(data).unwrap();
    let sections = file.as_object().unwrap().iter().filter_map(|(name, value)| Some((name, value.as_array()?)));
    let vector = |section: &String, body: &Value| Vector {
        section: section.clone(),
        id: body.text("id").unwrap().to_owned(),
        body: body.clone(),
    };
    sections.flat_map(|(section, list)| list.iter().map(move |body| vector(section, body))).collect()
}
