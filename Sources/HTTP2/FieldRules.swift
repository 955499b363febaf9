import Wire

/// What names and values of fields may be in HTTP/2 (RFC 9113 section 8.2), no wider than what the HTTP/1 parser takes.
enum FieldRules {
    @inline(__always)
    static func bit(_ id: FieldName) -> UInt64 { 1 << UInt64(id.rawValue) }

    /// Fields that the assembler looks at.
    static let watched =
        bit(.host) | bit(.contentLength) | bit(.cookie) | bit(.te) | bit(.connection) | bit(.keepAlive)
        | bit(.proxyConnection) | bit(.transferEncoding) | bit(.upgrade)

    /// Fields that have no business in trailers: a recipient that merges them into the head would believe them.
    private static let misplaced =
        bit(.te) | bit(.trailer) | bit(.expect) | bit(.http2Settings) | bit(.authorization) | bit(.proxyAuthorization)
        | bit(.cookie) | bit(.setCookie) | bit(.contentType) | bit(.contentEncoding) | bit(.xForwardedFor)
        | bit(.xForwardedProto) | bit(.xForwardedHost) | bit(.xForwardedPort) | bit(.xForwardedClientCert)
        | bit(.xRequestID) | bit(.xEnvoy)

    /// Marks misplaced trailers removed.
    static func dropMisplaced(_ trailers: Head) {
        for index in 0..<trailers.fieldCount where misplaced & bit(trailers.fields[index].id) != 0 {
            trailers.fields[index].isRemoved = true
        }
    }

    /// A token without upper case.
    static func isName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let classes = ByteClass.table
        for byte in bytes where classes[Int(byte)] & ByteClass.token == 0 || byte &- 0x41 <= 25 { return false }
        return true
    }

    /// No control character but a tab, and no blank at either end.
    static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return true }
        if first == 0x20 || first == 0x09 || last == 0x20 || last == 0x09 { return false }
        let spaces = SIMD16<UInt8>(repeating: 0x20)
        let deletes = SIMD16<UInt8>(repeating: 0x7F)
        var index = 0
        while index &+ 16 <= bytes.count {
            let block = bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let hit = unsafeBitCast((block .< spaces) .| (block .== deletes), to: SIMD2<UInt64>.self)
            // A tab, or worse: the table knows.
            if hit[0] | hit[1] != 0 { break }
            index &+= 16
        }
        let classes = ByteClass.table
        while index < bytes.count {
            if classes[Int(bytes[index])] & ByteClass.value == 0 { return false }
            index &+= 1
        }
        return true
    }

    /// Visible ASCII without a fragment, from the root, or the asterisk of OPTIONS.
    static func isPath(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes[0] == 0x2F || (bytes.count == 1 && bytes[0] == 0x2A) else { return false }
        let classes = ByteClass.table
        for byte in bytes where classes[Int(byte)] & ByteClass.target == 0 || byte == 0x23 { return false }
        return true
    }

    /// A number of decimal digits and nothing else, at most `Int64.max`.
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard !bytes.isEmpty else { return nil }
        var number: UInt64 = 0
        for byte in bytes {
            let digit = byte &- 0x30
            guard digit <= 9 else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            guard !overflow, tens <= UInt64(Int64.max) - UInt64(digit) else { return nil }
            number = tens + UInt64(digit)
        }
        return number
    }

    /// Whether a scheme is `https`; nil when it is not `http` either.
    static func isHTTPS(_ scheme: UnsafeRawBufferPointer) -> Bool? {
        if matches(scheme, "http") { return false }
        return matches(scheme, "https") ? true : nil
    }

    static func isTrailers(_ value: UnsafeRawBufferPointer) -> Bool { matches(value, "trailers") }

    /// Whether two texts are the same but for ASCII case.
    static func same(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where fold(left[index]) != fold(right[index]) { return false }
        return true
    }

    private static func fold(_ byte: UInt8) -> UInt8 { byte &- 0x41 <= 25 ? byte | 0x20 : byte }

    private static func matches(_ bytes: UnsafeRawBufferPointer, _ lower: StaticString) -> Bool {
        guard bytes.count == lower.utf8CodeUnitCount, let base = bytes.bindMemory(to: UInt8.self).baseAddress
        else { return false }
        return equalIgnoringCase(base, lower.utf8Start, count: bytes.count)
    }
}
