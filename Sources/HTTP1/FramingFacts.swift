import Wire

/// What Host, Connection, Content-Length and Transfer-Encoding said while a head was read.
struct FramingFacts {
    /// Content-Length, if there is one.
    var length: UInt64?
    /// Whether there is a Transfer-Encoding; it is `chunked` then.
    var isChunked = false
    /// A Transfer-Encoding line that is not `chunked`. Reported once the head is whole, since repeated lines weigh more.
    var hasUnknownCoding = false
    /// The Host line.
    var host: Slice?
    /// Names in Connection fields.
    var nominations = 0
    var close = false
    var keepAlive = false

    /// Takes in one of the four fields. Returns the rule that it breaks.
    @inline(never)
    mutating func note(
        _ id: FieldName, value: Slice, in bytes: UnsafePointer<UInt8>, classes: UnsafePointer<UInt8>
    ) -> HeadFault? {
        let text = UnsafeBufferPointer(start: bytes + value.start, count: value.count)
        switch id {
        case .host:
            if host != nil { return .repeatedHost }
            host = value
        case .contentLength:
            if length != nil { return .repeatedContentLength }
            guard let number = Self.decimal(text) else { return .badContentLength }
            length = number
        case .transferEncoding:
            if isChunked || hasUnknownCoding { return .repeatedTransferEncoding }
            if Token.matches(text, "chunked") { isChunked = true } else { hasUnknownCoding = true }
        case .connection:
            return noteConnection(text, classes: classes)
        default:
            break
        }
        return nil
    }

    /// What the fields say together, for a message of HTTP/1.`minorVersion`: the rule that they break, or nil.
    func fault(minorVersion: UInt8) -> HeadFault? {
        if hasUnknownCoding { return minorVersion == 0 ? .transferEncodingInHTTP10 : .unknownTransferCoding }
        guard isChunked else { return nil }
        if length != nil { return .lengthWithTransferEncoding }
        return minorVersion == 0 ? .transferEncodingInHTTP10 : nil
    }

    /// Whether the sender lets the connection live on (RFC 9112 section 9.3).
    func persists(minorVersion: UInt8) -> Bool { !close && (minorVersion == 1 || keepAlive) }

    /// Reads a Connection field: `close` and `keep-alive`, and names that are taken off on the way. As in Envoy,
    /// some names must not be nominated, or a client could strip what the proxy adds or what frames the message.
    private mutating func noteConnection(
        _ text: UnsafeBufferPointer<UInt8>, classes: UnsafePointer<UInt8>
    ) -> HeadFault? {
        var list = TokenList(text)
        while let token = list.next() {
            for byte in token where classes[Int(byte)] & ByteClass.token == 0 { return .badConnection }
            nominations += 1
            if nominations >= Limits.connectionNominationsMax { return .tooManyNominations }
            guard let start = token.baseAddress else { continue }
            switch FieldNames.identify(start, count: token.count) {
            case .xForwardedFor, .xForwardedHost, .xForwardedProto, .host, .contentLength, .transferEncoding:
                return .forbiddenNomination
            case .keepAlive: keepAlive = true
            case .other: if Token.matches(token, "close") { close = true }
            default: break
            }
        }
        return nil
    }

    /// A number of decimal digits and nothing else, at most `Int64.max`.
    static func decimal(_ text: UnsafeBufferPointer<UInt8>) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var number: UInt64 = 0
        for byte in text {
            let digit = byte &- 0x30
            guard digit <= 9 else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            guard !overflow, tens <= UInt64(Int64.max) - UInt64(digit) else { return nil }
            number = tens + UInt64(digit)
        }
        return number
    }
}
