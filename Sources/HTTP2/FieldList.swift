import CNghttp2
import Wire

/// A head as the list of names and values that nghttp2 takes. One per worker, filled anew for each head; nghttp2 copies what
/// the list points to (and folds names to lower case) before the call returns, so the head may change at once. Copying was
/// chosen over lending: a head may be edited or reused while its frame waits for the peer's credit.
final class FieldList {
    /// The entries: `count` of them are filled.
    let entries: UnsafeMutablePointer<nghttp2_nv>
    private(set) var count = 0
    /// Digits of a status and of a length.
    private let digits: UnsafeMutablePointer<UInt8>

    private static let capacity = Head.fieldCapacity + 8
    private static let digitsCapacity = 24

    init() {
        entries = .allocate(capacity: Self.capacity)
        digits = .allocate(capacity: Self.digitsCapacity)
    }

    deinit {
        entries.deallocate()
        digits.deallocate()
    }

    /// A request: pseudo-fields, then the fields.
    func fillRequest(_ head: Head, length: HTTP2Length) {
        count = 0
        add(":method", head.bytes(head.methodSlice), isStatic: false)
        let isTunnel = head.method == .connect && head.connectProtocol.isEmpty
        if !isTunnel {
            if head.schemeIsHTTPS { add(":scheme", "https") } else { add(":scheme", "http") }
            if head.path.isEmpty { add(":path", "/") } else { add(":path", head.bytes(head.path), isStatic: false) }
        }
        if !head.authority.isEmpty { add(":authority", head.bytes(head.authority), isStatic: false) }
        if !head.connectProtocol.isEmpty { add(":protocol", head.bytes(head.connectProtocol), isStatic: false) }
        addFields(head, length: length)
    }

    /// A response: the status, then the fields.
    func fillResponse(_ head: Head, length: HTTP2Length) {
        count = 0
        let status = head.status
        precondition(status >= 100 && status <= 999, "a status has three digits")
        digits[0] = UInt8(status / 100) + 0x30
        digits[1] = UInt8(status / 10 % 10) + 0x30
        digits[2] = UInt8(status % 10) + 0x30
        add(":status", UnsafeRawBufferPointer(start: digits, count: 3), isStatic: false)
        addFields(head, length: length)
    }

    /// Trailers: fields alone.
    func fillTrailers(_ head: Head) {
        count = 0
        addFields(head, length: .unknown)
    }

    // MARK: - Fields

    @inline(__always)
    private static func bit(_ id: FieldName) -> UInt64 { 1 << UInt64(id.rawValue) }

    /// What concerns one connection, and what pseudo-fields say.
    private static let skipped =
        bit(.host) | bit(.connection) | bit(.keepAlive) | bit(.proxyConnection) | bit(.transferEncoding) | bit(.upgrade)
        | bit(.http2Settings)
    /// What must not be indexed anywhere on the way, and what would only push useful entries out of the table.
    private static let unindexed =
        bit(.authorization) | bit(.proxyAuthorization) | bit(.setCookie) | bit(.xRequestID) | bit(.traceparent)
    private static let special = bit(.te) | bit(.contentLength) | bit(.cookie)

    private func addFields(_ head: Head, length: HTTP2Length) {
        let storage = head.storage
        let fields = head.fields
        let skipped = Self.skipped
        let unindexed = Self.unindexed
        let special = Self.special
        for index in 0..<head.fieldCount where !fields[index].isRemoved {
            let field = fields[index]
            let bit = Self.bit(field.id)
            if skipped & bit != 0 || field.name.isEmpty { continue }
            var isSensitive = unindexed & bit != 0
            if special & bit != 0 {
                switch field.id {
                case .te: guard isTrailers(head.bytes(field.value)) else { continue }
                case .contentLength: guard length == .asInHead else { continue }
                // A short cookie could be guessed through the table (RFC 7541 section 7.1.3).
                case .cookie: isSensitive = field.value.count < 20
                default: break
                }
            }
            let flags = isSensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
            (entries + count).initialize(
                to: nghttp2_nv(
                    name: storage + field.name.start, value: storage + field.value.start, namelen: field.name.count,
                    valuelen: field.value.count, flags: UInt8(flags.rawValue)))
            count += 1
        }
        if case .exactly(let number) = length { addLength(number) }
    }

    private func isTrailers(_ value: UnsafeRawBufferPointer) -> Bool {
        let trailers: StaticString = "trailers"
        guard value.count == trailers.utf8CodeUnitCount, let base = value.bindMemory(to: UInt8.self).baseAddress
        else { return false }
        return equalIgnoringCase(base, trailers.utf8Start, count: value.count)
    }

    private func addLength(_ number: UInt64) {
        var rest = number
        var start = Self.digitsCapacity
        repeat {
            start -= 1
            digits[start] = UInt8(rest % 10) + 0x30
            rest /= 10
        } while rest > 0
        let text = UnsafeRawBufferPointer(start: digits + start, count: Self.digitsCapacity - start)
        add("content-length", text, isStatic: false)
    }

    @inline(__always)
    private func add(_ name: StaticString, _ value: StaticString) {
        add(name, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount), isStatic: true)
    }

    /// Names here are constants, which nghttp2 need not copy; so are values that say so.
    private func add(_ name: StaticString, _ value: UnsafeRawBufferPointer, isStatic: Bool) {
        var flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue
        if isStatic { flags |= NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue }
        (entries + count).initialize(
            to: nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.utf8Start),
                value: UnsafeMutablePointer(mutating: value.bindMemory(to: UInt8.self).baseAddress),
                namelen: name.utf8CodeUnitCount, valuelen: value.count, flags: UInt8(flags)))
        count += 1
    }
}
