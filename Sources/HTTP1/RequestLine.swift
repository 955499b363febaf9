import Wire

/// Reads a request line: method, target and version with one space between them (RFC 9112 section 3).
struct RequestLine {
    private let bytes: UnsafePointer<UInt8>
    private let limit: Int
    /// Behind the line, once it was parsed.
    private(set) var cursor = 0
    /// Whether the target named the authority, which then wins over the Host field (RFC 9112 section 3.2.2).
    private(set) var hasAuthority = false
    /// Whether an absolute-form target ended before a path: `Head.path` is its query then, and wants a slash in front.
    private(set) var lacksPath = false

    /// The eight bytes of `HTTP/1.1` and of `HTTP/1.0`, little-endian.
    private static let version11: UInt64 = 0x312E_312F_5054_5448
    private static let version10: UInt64 = 0x302E_312F_5054_5448

    init(bytes: UnsafePointer<UInt8>, limit: Int) {
        self.bytes = bytes
        self.limit = limit
    }

    /// Sets method, path, authority, scheme and version as slices of the message. Returns the rule that the line breaks.
    @inline(__always)
    mutating func parse(into head: Head, classes: UnsafePointer<UInt8>) -> HeadFault? {
        let methodEnd = Scan.run(bytes, of: ByteClass.token, from: 0, limit: limit, classes: classes)
        guard methodEnd > 0, methodEnd < limit, bytes[methodEnd] == 0x20 else {
            return lineFault(at: methodEnd, otherwise: .badMethod)
        }
        let start = methodEnd &+ 1
        let end = Scan.targetEnd(bytes, from: start, limit: limit, classes: classes)
        guard end > start, end < limit, bytes[end] == 0x20 else { return lineFault(at: end, otherwise: .badTarget) }
        guard let minor = Self.version(bytes + end + 1, available: limit - end - 1) else {
            return versionFault(at: end &+ 1)
        }
        guard limit - end >= 11, bytes[end &+ 9] == 0x0D, bytes[end &+ 10] == 0x0A else {
            return lineFault(at: end &+ 9, otherwise: .badVersion)
        }
        cursor = end &+ 11
        let method = Method(UnsafeRawBufferPointer(start: bytes, count: methodEnd))
        head.method = method
        head.methodSlice = Slice(offset: 0, length: methodEnd)
        head.minorVersion = minor
        if bytes[start] == 0x2F, method != .connect {
            head.path = Slice(offset: start, length: end &- start)
            return nil
        }
        return otherForm(start..<end, method: method, head: head)
    }

    /// The minor version of `HTTP/1.0` or `HTTP/1.1`.
    @inline(__always)
    static func version(_ bytes: UnsafePointer<UInt8>, available: Int) -> UInt8? {
        guard available >= 8 else { return nil }
        let word = UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
        if word == version11 { return 1 }
        return word == version10 ? 0 : nil
    }

    /// Whether a line that has not ended yet can be no HTTP/1 request line any more: what stands where the version belongs is no
    /// beginning of `HTTP/N.N`.
    @inline(never)
    static func hasStrangeVersion(_ bytes: UnsafePointer<UInt8>, limit: Int, classes: UnsafePointer<UInt8>) -> Bool {
        let methodEnd = Scan.run(bytes, of: ByteClass.token, from: 0, limit: limit, classes: classes)
        guard methodEnd < limit, bytes[methodEnd] == 0x20 else { return methodEnd < limit }
        let targetEnd = Scan.targetEnd(bytes, from: methodEnd + 1, limit: limit, classes: classes)
        guard targetEnd < limit, bytes[targetEnd] == 0x20 else { return targetEnd < limit && bytes[targetEnd] != 0x0D }
        var index = 0
        while index < 8, targetEnd + 1 + index < limit {
            let byte = bytes[targetEnd + 1 + index]
            let isDigit = byte >= 0x30 && byte <= 0x39
            let fits = index == 5 || index == 7 ? isDigit : byte == versionPattern.utf8Start[index]
            if !fits { return true }
            index += 1
        }
        return false
    }

    private static let versionPattern: StaticString = "HTTP/0.0"

    // MARK: - Targets that do not start with a slash

    @inline(never)
    private mutating func otherForm(_ target: Range<Int>, method: Method, head: Head) -> HeadFault? {
        if method == .connect {
            guard isAuthority(target), Authority.port(raw(target)) != nil, Authority.hostLength(raw(target)) > 0 else {
                return .badAuthority
            }
            head.authority = slice(target)
            hasAuthority = true
            return nil
        }
        if target.count == 1, bytes[target.lowerBound] == 0x2A, method == .options {
            head.path = slice(target)
            return nil
        }
        return absoluteForm(target, head: head)
    }

    /// `http://authority/path?query`, also with `https`.
    private mutating func absoluteForm(_ target: Range<Int>, head: Head) -> HeadFault? {
        let https = hasPrefix(target, "https://")
        guard https || hasPrefix(target, "http://") else { return .badTarget }
        let start = target.lowerBound + (https ? 8 : 7)
        var end = start
        while end < target.upperBound, bytes[end] != 0x2F, bytes[end] != 0x3F, bytes[end] != 0x23 { end += 1 }
        guard start < end, isAuthority(start..<end) else { return .badAuthority }
        head.authority = slice(start..<end)
        head.path = slice(end..<target.upperBound)
        head.schemeIsHTTPS = https
        hasAuthority = true
        lacksPath = end == target.upperBound || bytes[end] != 0x2F
        return nil
    }

    private func hasPrefix(_ target: Range<Int>, _ lower: StaticString) -> Bool {
        target.count >= lower.utf8CodeUnitCount
            && equalIgnoringCase(bytes + target.lowerBound, lower.utf8Start, count: lower.utf8CodeUnitCount)
    }

    private func isAuthority(_ range: Range<Int>) -> Bool { Authority.isValid(raw(range)) }

    private func raw(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + range.lowerBound, count: range.count)
    }

    private func slice(_ range: Range<Int>) -> Slice { Slice(offset: range.lowerBound, length: range.count) }

    // MARK: - Faults

    @inline(never)
    private func lineFault(at position: Int, otherwise fault: HeadFault) -> HeadFault {
        guard position < limit else { return .badRequestLine }
        switch bytes[position] {
        case 0x0A: return .bareLineFeed
        case 0x0D: return position + 1 < limit && bytes[position + 1] == 0x0A ? .badRequestLine : .bareCarriageReturn
        default: return fault
        }
    }

    /// A version that is not ours: well-formed ones are 505, everything else is 400.
    @inline(never)
    private func versionFault(at position: Int) -> HeadFault {
        guard limit - position >= 8, equalIgnoringCase(bytes + position, ("http/" as StaticString).utf8Start, count: 5),
            bytes[position] == 0x48
        else { return lineFault(at: position, otherwise: .badVersion) }
        let isDigit = { (offset: Int) in bytes[position + offset] >= 0x30 && bytes[position + offset] <= 0x39 }
        let isVersion = isDigit(5) && bytes[position + 6] == 0x2E && isDigit(7)
        let ends = limit - position >= 10 && bytes[position + 8] == 0x0D && bytes[position + 9] == 0x0A
        return isVersion && ends ? .unsupportedVersion : .badVersion
    }
}
