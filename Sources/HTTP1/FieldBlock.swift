import Wire

/// Reads the field lines of a head or of trailers into a `Head`'s slots, strictly (RFC 9112 section 5), and collects on the way
/// what frames the message.
struct FieldBlock {
    /// The first byte of the message: what slices count from.
    let bytes: UnsafePointer<UInt8>
    /// Bytes that may be read. The block ends before it.
    let limit: Int
    /// Where the next line starts; after `parse`, the first byte behind the empty line.
    var cursor: Int
    /// What the fields said about the message itself.
    var facts = FramingFacts()

    init(bytes: UnsafePointer<UInt8>, limit: Int, cursor: Int) {
        self.bytes = bytes
        self.limit = limit
        self.cursor = cursor
    }

    /// Reads up to and with the empty line. The head's slots are counted from the message's first byte, and valid once the head
    /// has adopted the bytes.
    @inline(__always)
    mutating func parse(into head: Head, classes: UnsafePointer<UInt8>) -> HeadFault? {
        let names = FieldNames.shared
        let fields = head.fields
        let firstByName = head.firstByName
        var count = 0
        while true {
            let lineStart = cursor
            let nameEnd = Scan.run(bytes, of: ByteClass.token, from: lineStart, limit: limit, classes: classes)
            guard nameEnd < limit else { return .badFieldName }
            if nameEnd == lineStart || bytes[nameEnd] != 0x3A {
                if isEmptyLine(lineStart) {
                    cursor = lineStart + 2
                    head.fieldCount = count
                    return nil
                }
                return nameFault(from: lineStart, at: nameEnd)
            }
            var start = nameEnd &+ 1
            while start < limit, bytes[start] == 0x20 || bytes[start] == 0x09 { start &+= 1 }
            let lineEnd = Scan.valueEnd(bytes, from: start, limit: limit, classes: classes)
            guard lineEnd &+ 1 < limit, bytes[lineEnd] == 0x0D, bytes[lineEnd &+ 1] == 0x0A else {
                return valueFault(at: lineEnd)
            }
            cursor = lineEnd &+ 2
            var end = lineEnd
            while end > start, bytes[end &- 1] == 0x20 || bytes[end &- 1] == 0x09 { end &-= 1 }
            guard count < Limits.headFieldsMax else { return .tooManyFields }

            let id = names.identify(bytes + lineStart, count: nameEnd &- lineStart)
            let value = Slice(offset: start, length: end &- start)
            (fields + count).initialize(
                to: Field(name: Slice(offset: lineStart, length: nameEnd &- lineStart), value: value, id: id))
            count &+= 1
            guard id != .other else { continue }
            if firstByName[Int(id.rawValue)] == 0 { firstByName[Int(id.rawValue)] = UInt8(truncatingIfNeeded: count) }
            if id.rawValue <= FieldName.transferEncoding.rawValue,
                let fault = facts.note(id, value: value, in: bytes, classes: classes)
            {
                return fault
            }
        }
    }

    @inline(__always)
    private func isEmptyLine(_ start: Int) -> Bool {
        start &+ 1 < limit && bytes[start] == 0x0D && bytes[start &+ 1] == 0x0A
    }

    /// Which rule a line broke whose name ended at `position` without a colon.
    @inline(never)
    private func nameFault(from start: Int, at position: Int) -> HeadFault {
        let byte = bytes[position]
        if byte == 0x0A { return .bareLineFeed }
        if byte == 0x0D {
            guard position + 1 < limit, bytes[position + 1] == 0x0A else { return .bareCarriageReturn }
            return .missingColon
        }
        if position == start {
            if byte == 0x3A { return .emptyFieldName }
            if byte == 0x20 || byte == 0x09 { return .foldedLine }
        }
        guard byte == 0x20 || byte == 0x09 else { return .badFieldName }
        var next = position
        while next < limit, bytes[next] == 0x20 || bytes[next] == 0x09 { next += 1 }
        return next < limit && bytes[next] == 0x3A ? .whitespaceBeforeColon : .badFieldName
    }

    /// Which rule a value broke that ended at `position` without CR and LF.
    @inline(never)
    private func valueFault(at position: Int) -> HeadFault {
        guard position < limit else { return .badFieldValue }
        switch bytes[position] {
        case 0x0A: return .bareLineFeed
        case 0x0D: return .bareCarriageReturn
        default: return .badFieldValue
        }
    }
}
