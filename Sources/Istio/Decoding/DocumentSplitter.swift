/// A file's text cut at its `---` lines. Each document is parsed by itself, so that one which is not YAML hides no other.
enum DocumentSplitter {
    struct Document {
        var text: String
        /// The file's lines before this document's first.
        var linesBefore: Int
    }

    /// Documents that hold more than comments, directives and blank lines.
    static func split(_ text: String) -> [Document] {
        var documents: [Document] = []
        var start = text.utf8.startIndex
        var linesBefore = 0
        var isEmpty = true
        var lineNumber = 0
        var lineStart = start

        func close(at end: String.Index) {
            if !isEmpty { documents.append(Document(text: String(text[start..<end]), linesBefore: linesBefore)) }
        }

        while lineStart < text.utf8.endIndex {
            let lineEnd = text.utf8[lineStart...].firstIndex(of: UInt8(ascii: "\n"))
            let next = lineEnd.map(text.utf8.index(after:)) ?? text.utf8.endIndex
            let line = text.utf8[lineStart..<next]
            if isMarker(line) {
                close(at: lineStart)
                let isEnd = line.first == UInt8(ascii: ".")
                start = isEnd ? next : lineStart
                linesBefore = isEnd ? lineNumber + 1 : lineNumber
                isEmpty = isEnd || !hasContent(line.dropFirst(3))
            } else if isEmpty, hasContent(line) {
                isEmpty = false
            }
            lineNumber += 1
            lineStart = next
        }
        close(at: text.utf8.endIndex)
        return documents
    }

    /// `---` or `...` alone, or with something after a blank.
    private static func isMarker(_ line: Substring.UTF8View) -> Bool {
        guard line.starts(with: "---".utf8) || line.starts(with: "...".utf8) else { return false }
        guard let after = line.dropFirst(3).first else { return true }
        return isBlank(after)
    }

    private static func hasContent(_ line: Substring.UTF8View) -> Bool {
        guard let first = line.first(where: { !isBlank($0) }) else { return false }
        return first != UInt8(ascii: "#") && line.first != UInt8(ascii: "%")
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }
}
