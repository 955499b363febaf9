/// Rules for the `Host` field and the authority of an absolute-form target.
package enum Authority {
    /// Whether these bytes may stand as an authority: the characters of RFC 3986 section 3.2 without userinfo, a comma (a
    /// sub-delimiter) included. Empty is legal here; who needs a host checks that.
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ByteClass.all(bytes, are: ByteClass.authority)
    }

    /// The number of leading bytes that are the host: everything before the last colon that is not inside brackets
    /// (whatever follows that colon).
    @inlinable package static func hostLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        var index = bytes.count
        while index > 0 {
            index -= 1
            let byte = bytes[index]
            if byte == 0x3A { return index }
            if byte == 0x5D { return bytes.count }
        }
        return bytes.count
    }

    /// The port behind the host, if it is a number from 1 to 65535.
    package static func port(_ bytes: UnsafeRawBufferPointer) -> UInt16? {
        let host = hostLength(bytes)
        guard host < bytes.count else { return nil }
        var port = 0
        for byte in bytes[(host + 1)...] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            port = port * 10 + Int(byte - 0x30)
            if port > 65535 { return nil }
        }
        return port == 0 ? nil : UInt16(port)
    }
}
