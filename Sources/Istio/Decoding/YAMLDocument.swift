import Glibc

/// One document of a file. Each is parsed by itself: one which is not YAML hides no other, and one which changed is the only one
/// that is decoded again.
package struct YAMLDocument: Sendable {
    package var text: Substring
    /// The file's lines before this document's first.
    package var linesBefore: Int

    package init(text: Substring, linesBefore: Int) {
        self.text = text
        self.linesBefore = linesBefore
    }

    /// Byte by byte; `==` of strings takes different spellings of a character for the same.
    package func hasText(of other: YAMLDocument) -> Bool { text.utf8.hasBytes(of: other.text.utf8) }
}

extension Collection<UInt8> {
    /// Whether both have the same bytes, at the speed of memory.
    package func hasBytes(of other: some Collection<UInt8>) -> Bool {
        let isEqual = withContiguousStorageIfAvailable { own in
            other.withContiguousStorageIfAvailable { other in
                own.count == other.count
                    && (own.isEmpty || memcmp(own.baseAddress!, other.baseAddress!, own.count) == 0)
            }
        }
        return (isEqual ?? nil) ?? elementsEqual(other)
    }
}

// MARK: - Splitting

extension YAMLDocument {
    /// Documents that hold more than comments, directives and blank lines, without a byte order mark before the first.
    ///
    /// A line that begins with `---` or `...` and a blank ends a document wherever it stands, in block scalars and quotes too
    /// (YAML 1.2, section 9.1.2): there is nothing to parse. Costs a look at each byte.
    package static func split(_ text: String) -> [YAMLDocument] {
        var text = text
        var documents: [(bytes: Range<Int>, linesBefore: Int)] = []
        text.withUTF8 { documents = split($0) }
        return documents.map { bytes, linesBefore in
            let start = text.utf8.index(text.startIndex, offsetBy: bytes.lowerBound)
            let end = text.utf8.index(start, offsetBy: bytes.count)
            return YAMLDocument(text: text[start..<end], linesBefore: linesBefore)
        }
    }

    private static func split(_ bytes: UnsafeBufferPointer<UInt8>) -> [(bytes: Range<Int>, linesBefore: Int)] {
        var documents: [(bytes: Range<Int>, linesBefore: Int)] = []
        var lineStart = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var start = lineStart
        var linesBefore = 0
        var lines = 0
        var isEmpty = true
        while lineStart < bytes.count {
            var next = lineStart
            while next < bytes.count, bytes[next] != UInt8(ascii: "\n") { next += 1 }
            if next < bytes.count { next += 1 }
            let line = UnsafeBufferPointer(rebasing: bytes[lineStart..<next])
            if isMarker(line) {
                if !isEmpty { documents.append((start..<lineStart, linesBefore)) }
                let isEnd = line[0] == UInt8(ascii: ".")
                start = isEnd ? next : lineStart
                linesBefore = isEnd ? lines + 1 : lines
                isEmpty = isEnd || !hasContent(line.dropFirst(3))
            } else if isEmpty, hasContent(line[...]) {
                isEmpty = false
            }
            lines += 1
            lineStart = next
        }
        if !isEmpty { documents.append((start..<bytes.count, linesBefore)) }
        return documents
    }

    /// `---` or `...` alone, or with something after a blank.
    private static func isMarker(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard line.count >= 3, line[0] == UInt8(ascii: "-") || line[0] == UInt8(ascii: "."), line[1] == line[0],
            line[2] == line[0]
        else { return false }
        return line.count == 3 || isBlank(line[3])
    }

    private static func hasContent(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard let first = line.first(where: { !isBlank($0) }) else { return false }
        return first != UInt8(ascii: "#") && line.first != UInt8(ascii: "%")
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }
}
