import Wire

/// Fields that concern one connection and are not forwarded (RFC 9110 section 7.6.1).
package enum HopByHop {
    /// The known names that the writers never copy: bits by raw value.
    static let unforwarded: UInt64 =
        bit(.connection) | bit(.keepAlive) | bit(.proxyConnection) | bit(.transferEncoding) | bit(.upgrade)

    /// A known name's bit.
    @inline(__always)
    static func bit(_ id: FieldName) -> UInt64 { 1 << UInt64(id.rawValue) }

    /// Marks removed: Connection and every field that it nominates, Keep-Alive, Proxy-Connection, Transfer-Encoding, and Upgrade
    /// with HTTP2-Settings unless `keepingUpgrade`. `te` becomes `trailers` if it contains that token, else it is removed. Call it
    /// once, on a parsed head, before it is decided upon; framing and persistence are known from the parser by then.
    package static func strip(_ head: Head, keepingUpgrade: Bool = false) {
        if head.has(.connection) {
            let classes = ByteClass.table
            for index in 0..<head.fieldCount where head.fields[index].id == .connection {
                removeNominated(by: head.fields[index].value, head, keepingUpgrade: keepingUpgrade, classes: classes)
            }
            head.removeAll(.connection)
        }
        head.removeAll(.keepAlive)
        head.removeAll(.proxyConnection)
        head.removeAll(.transferEncoding)
        if !keepingUpgrade {
            head.removeAll(.upgrade)
            head.removeAll(.http2Settings)
        }
        if head.has(.te) { reduceTE(head) }
    }

    /// The value of the Upgrade field if the peer asks for an upgrade: Connection contains `upgrade`, there is one Upgrade line,
    /// and the version is 1.1 (RFC 9110 section 7.8). Ask before `strip`.
    package static func upgrade(_ head: Head) -> Slice? {
        guard head.minorVersion == 1, let position = head.firstIndex(of: .upgrade) else { return nil }
        for index in (position + 1)..<max(head.fieldCount, position + 1) where head.fields[index].id == .upgrade {
            return nil
        }
        for index in 0..<head.fieldCount where head.fields[index].id == .connection {
            if contains(head.fields[index].value, "upgrade", in: head) { return head.fields[position].value }
        }
        return nil
    }

    /// Whether a list field's value contains this token, spelled in lower case; parameters behind a semicolon do not count.
    package static func contains(_ value: Slice, _ lower: StaticString, in head: Head) -> Bool {
        var list = TokenList(text(value, head))
        while let element = list.next() {
            var token = element
            if let semicolon = element.firstIndex(of: 0x3B) {
                token = UnsafeBufferPointer(rebasing: element[..<semicolon])
                while let last = token.last, last == 0x20 || last == 0x09 {
                    token = UnsafeBufferPointer(rebasing: token.dropLast())
                }
            }
            if Token.matches(token, lower) { return true }
        }
        return false
    }

    private static func removeNominated(
        by value: Slice, _ head: Head, keepingUpgrade: Bool, classes: UnsafePointer<UInt8>
    ) {
        var list = TokenList(text(value, head))
        while let token = list.next() {
            guard let start = token.baseAddress, ByteClass.all(UnsafeRawBufferPointer(token), are: ByteClass.token)
            else { continue }
            switch FieldNames.identify(start, count: token.count) {
            // These are handled by `strip` itself; the parser refuses nominations of what frames or routes.
            case .keepAlive, .proxyConnection, .te, .connection, .host, .contentLength, .transferEncoding: continue
            case .upgrade, .http2Settings: if keepingUpgrade { continue }
            default: break
            }
            if Token.matches(token, "close") { continue }
            for index in 0..<head.fieldCount where Token.same(text(head.fields[index].name, head), token) {
                head.fields[index].isRemoved = true
            }
        }
    }

    private static func reduceTE(_ head: Head) {
        var trailers = false
        for index in 0..<head.fieldCount where head.fields[index].id == .te && !head.fields[index].isRemoved {
            trailers = trailers || contains(head.fields[index].value, "trailers", in: head)
        }
        guard trailers else { return head.removeAll(.te) }
        head.setField(.te, value: head.append("trailers"))
    }

    private static func text(_ slice: Slice, _ head: Head) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: head.storage + slice.start, count: slice.count)
    }
}
