//! Texts in the form in which they are compared.

/// Lower case without Spanish accents, like `normalizar` in the database.
pub fn fold(text: &str) -> String {
    let plain = |letter: char| match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    };
    let folded: String = text.to_lowercase().chars().map(plain).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
