//! The known name that was probably meant.

/// Returns the candidate that differs from `name` in the fewest letters, if it is near. Case does not count.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let near = candidates.map(|candidate| (distance(&name, &candidate.to_ascii_lowercase()), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(candidate)
}

/// The number of letters to insert, remove or replace (Levenshtein). Names have at most 64 bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.bytes().enumerate() {
        let (mut before, mut last) = (index, index + 1);
        for (other, next) in right.bytes().zip(row.iter_mut().skip(1)) {
            let replaced = before + usize::from(letter != other);
            before = *next;
            last = replaced.min(before + 1).min(last + 1);
            *next = last;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_name_is_found_and_a_far_one_is_not() {
        let names = || ["severity", "recurrence_count", "step"].into_iter();
        assert_eq!(nearest("sevrity", names()), Some("severity"));
        assert_eq!(nearest("Severity", names()), Some("severity"));
        assert_eq!(nearest("recurence_cuont", names()), Some("recurrence_count"));
        assert_eq!(nearest("duration", names()), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
    }
}
