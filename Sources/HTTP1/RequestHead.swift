import Wire

/// Parses request heads (RFC 9112 sections 2, 3 and 5). Strict: whatever two implementations could read in two ways is refused,
/// so that nothing unclean reaches an upstream.
package enum RequestHead {
    /// Reads the head at the start of `bytes`.
    ///
    /// The head is reset first. When the result is `complete` it owns a copy of the message's bytes, and method, path, authority,
    /// scheme, version and fields are set; in every other case it is empty. `path` is what the target names with its query: `/`
    /// when an absolute-form target has none, `*` for OPTIONS, empty for CONNECT. `authority` is an absolute-form or CONNECT
    /// target's, else the Host field's; it may be empty. Fragments stay in the path: normalisation removes them.
    ///
    /// A partial head is looked through for faults in the lines that are whole, so that who made one learns it at once.
    package static func parse(_ bytes: UnsafeRawBufferPointer, into head: Head) -> HeadResult {
        head.reset()
        let all = bytes.bindMemory(to: UInt8.self)
        guard let first = all.baseAddress else { return .partial }
        var skipped = 0
        while skipped < all.count, first[skipped] == 0x0D || first[skipped] == 0x0A {
            guard first[skipped] == 0x0D else { return .failure(.bareLineFeed) }
            guard skipped + 1 < all.count else { return .partial }
            guard first[skipped + 1] == 0x0A else { return .failure(.bareCarriageReturn) }
            skipped += 2
            guard skipped <= 2 * Limits.leadingEmptyLinesMax else { return .failure(.emptyLines) }
        }
        let message = first + skipped
        let count = min(all.count - skipped, Limits.headBytesMax + 1)
        guard count > 0 else { return .partial }

        let result: HeadResult
        switch Scan.headEnd(message, limit: count) {
        case .at(let end): result = whole(message, limit: end, skipped: skipped, head: head)
        case .bareLineFeed: result = .failure(.bareLineFeed)
        case .missing: result = unfinished(message, limit: count, head: head)
        }
        if case .complete = result { return result }
        head.reset()
        return result
    }

    /// A head without an end: refused when it is too large or when its first line is wrong already, so that a peer that speaks
    /// another protocol learns it at once.
    @inline(never)
    private static func unfinished(_ bytes: UnsafePointer<UInt8>, limit: Int, head: Head) -> HeadResult {
        if limit > Limits.headBytesMax { return .failure(.headTooLarge) }
        let classes = ByteClass.table
        guard Scan.lineFeed(bytes, from: 0, limit: limit) < limit else {
            if classes[Int(bytes[0])] & ByteClass.token == 0 { return .failure(.badMethod) }
            let isStrange = RequestLine.hasStrangeVersion(bytes, limit: limit, classes: classes)
            return isStrange ? .failure(.badVersion) : .partial
        }
        var line = RequestLine(bytes: bytes, limit: limit)
        if let fault = line.parse(into: head, classes: classes) { return .failure(fault) }
        // The lines that are whole: a fault in one of them is one already.
        var end = limit
        while bytes[end - 1] != 0x0A { end -= 1 }
        var block = FieldBlock(bytes: bytes, limit: end, cursor: line.cursor)
        if let fault = block.parse(into: head, classes: classes), fault != .badFieldName || block.cursor < end {
            return .failure(fault)
        }
        if end < limit, bytes[end] == 0x20 || bytes[end] == 0x09 {
            return .failure(.foldedLine)
        }
        return .partial
    }

    /// A head whose end is known to lie at or before `limit`.
    private static func whole(_ bytes: UnsafePointer<UInt8>, limit: Int, skipped: Int, head: Head) -> HeadResult {
        let classes = ByteClass.table
        var line = RequestLine(bytes: bytes, limit: limit)
        if let fault = line.parse(into: head, classes: classes) { return .failure(fault) }
        var block = FieldBlock(bytes: bytes, limit: limit, cursor: line.cursor)
        if let fault = block.parse(into: head, classes: classes) { return .failure(fault) }
        guard block.cursor <= Limits.headBytesMax else { return .failure(.headTooLarge) }
        let facts = block.facts
        if let fault = facts.fault(minorVersion: head.minorVersion) { return .failure(fault) }
        if let host = facts.host {
            guard
                ByteClass.all(
                    UnsafeRawBufferPointer(start: bytes + host.start, count: host.count), are: ByteClass.authority)
            else { return .failure(.badAuthority) }
            if !line.hasAuthority { head.authority = host }
        } else if head.minorVersion == 1 {
            return .failure(.missingHost)
        }

        head.adopt(UnsafeRawBufferPointer(start: bytes, count: block.cursor))
        if line.lacksPath { head.path = withSlash(head.path, head) }
        let framing: BodyFraming = facts.isChunked ? .chunked : facts.length.map { .length($0) } ?? .none
        return .complete(
            consumed: skipped + block.cursor, framing: framing,
            persists: facts.persists(minorVersion: head.minorVersion))
    }

    /// The path `/` with the query of an absolute-form target that has no path.
    @inline(never)
    private static func withSlash(_ query: Slice, _ head: Head) -> Slice {
        head.reserve(query.count + 1)
        let slash = head.append("/")
        let rest = head.append(head.bytes(query))
        return Slice(offset: slash.start, length: 1 + rest.count)
    }
}
