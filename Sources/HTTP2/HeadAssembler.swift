import Wire

/// Builds a `Head` from the fields of one header block, and judges them as strictly as the HTTP/1 parser does: nghttp2 checks most
/// of this too, but what a head may hold is decided here, so that nothing unclean reaches an HTTP/1 upstream.
struct HeadAssembler {
    enum Kind: UInt8 { case request, response, trailers }

    /// What is being filled; between blocks the pool's placeholder, so that an idle connection holds no head.
    private(set) var head: Head
    /// Cookie crumbs so far, joined. The session's own: blocks of several connections may be under way at once.
    private var cookie = BufferQueue()
    private var kind = Kind.request
    /// A rule was broken. Nothing is added any more.
    private(set) var isMalformed = false
    /// The limits were passed. Nothing is added any more.
    private(set) var isTooLarge = false
    /// Content-Length.
    private(set) var length: UInt64?
    private var host = Slice.empty
    private var hasHost = false
    private var hasScheme = false
    private var hasFields = false
    private var bytes = 0
    private var seen: UInt8 = 0

    init(_ pools: HTTP2Pools) {
        head = pools.placeholder
    }

    mutating func begin(_ kind: Kind, _ pools: HTTP2Pools) {
        if head === pools.placeholder { head = pools.takeHead() } else { head.reset() }
        cookie.clear(pool: pools.buffers)
        head.isHTTP2 = true
        self.kind = kind
        isMalformed = false
        isTooLarge = false
        length = nil
        host = .empty
        hasHost = false
        hasScheme = false
        hasFields = false
        bytes = 0
        seen = 0
    }

    /// A field that nghttp2 itself found broken.
    mutating func refuse() { isMalformed = true }

    /// The finished head.
    mutating func take(_ pools: HTTP2Pools) -> Head {
        let finished = head
        head = pools.placeholder
        return finished
    }

    /// Gives back what an unfinished or refused block holds.
    mutating func clear(_ pools: HTTP2Pools) {
        cookie.clear(pool: pools.buffers)
        guard head !== pools.placeholder else { return }
        pools.give(head)
        head = pools.placeholder
    }

    // MARK: - Fields

    mutating func add(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, pool: BufferPool
    ) {
        if isMalformed || isTooLarge { return }
        // What a line of HTTP/1 would take.
        bytes += name.count + value.count + 4
        if bytes > (kind == .trailers ? Limits.trailerBytesMax : Limits.headBytesMax) {
            isTooLarge = true
            return
        }
        guard let first = name.first else { return refuse() }
        if first == 0x3A { return addPseudo(name, value) }
        hasFields = true
        guard FieldRules.isName(name), FieldRules.isValue(value) else { return refuse() }
        let id = FieldNames.identify(name.bindMemory(to: UInt8.self).baseAddress!, count: name.count)
        if id != .other, FieldRules.watched & FieldRules.bit(id) != 0, !note(id, value, pool) { return }
        guard head.fieldCount < Limits.headFieldsMax else {
            isTooLarge = true
            return
        }
        head.appendFieldLine(name: name, value: value, id: id)
    }

    /// Looks at a field that means something here. False: it is not added as it stands.
    private mutating func note(
        _ id: FieldName, _ value: UnsafeRawBufferPointer, _ pool: BufferPool
    ) -> Bool {
        switch id {
        case .host:
            if hasHost || kind != .request { isMalformed = true }
            hasHost = true
            host = head.append(value)
            return false
        case .contentLength:
            guard length == nil, kind != .trailers, let number = FieldRules.decimal(value) else {
                isMalformed = true
                return false
            }
            length = number
            return true
        case .cookie:
            // Crumbs (RFC 9113 section 8.2.3) are gathered, and become one field at the end.
            guard kind == .request else { return true }
            if !cookie.isEmpty {
                let mark: StaticString = "; "
                cookie.append(UnsafeRawBufferPointer(start: mark.utf8Start, count: 2), pool: pool)
            }
            cookie.append(value, pool: pool)
            return false
        case .te:
            if !FieldRules.isTrailers(value) { isMalformed = true }
            return !isMalformed
        default:
            // Connection and its kin.
            isMalformed = true
            return false
        }
    }

    private mutating func addPseudo(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard !hasFields, kind != .trailers, let pseudo = PseudoField(name), pseudo.isRequest == (kind == .request),
            seen & pseudo.rawValue == 0, FieldRules.isValue(value), !value.isEmpty
        else { return refuse() }
        seen |= pseudo.rawValue
        switch pseudo {
        case .method:
            guard ByteClass.all(value, are: ByteClass.token) else { return refuse() }
            head.method = Method(value)
            head.methodSlice = head.append(value)
        case .scheme:
            guard let isHTTPS = FieldRules.isHTTPS(value) else { return refuse() }
            hasScheme = true
            head.schemeIsHTTPS = isHTTPS
        case .authority:
            guard Authority.isValid(value) else { return refuse() }
            head.authority = head.append(value)
        case .path:
            guard FieldRules.isPath(value) else { return refuse() }
            head.path = head.append(value)
        case .connectProtocol:
            guard ByteClass.all(value, are: ByteClass.token) else { return refuse() }
            head.connectProtocol = head.append(value)
        case .status:
            guard value.count == 3, let status = FieldRules.decimal(value), status >= 100 else { return refuse() }
            head.status = UInt16(status)
        }
    }

    // MARK: - The end of a block

    /// Judges the block as a whole. False: it is malformed.
    mutating func finish(pool: BufferPool) -> Bool {
        if isMalformed || isTooLarge { return !isMalformed }
        switch kind {
        case .request: return finishRequest(pool)
        case .response: return head.status >= 100
        case .trailers:
            FieldRules.dropMisplaced(head)
            return true
        }
    }

    private mutating func finishRequest(_ pool: BufferPool) -> Bool {
        guard !head.methodSlice.isEmpty else { return false }
        if hasHost {
            let named = head.bytes(host)
            guard Authority.isValid(named) else { return false }
            if head.authority.isEmpty {
                head.authority = host
            } else if !FieldRules.same(named, head.bytes(head.authority)) {
                return false
            }
        }
        guard !head.authority.isEmpty else { return false }
        if !cookie.isEmpty {
            guard head.fieldCount < Limits.headFieldsMax else {
                isTooLarge = true
                return true
            }
            addCookie(pool)
        }
        if head.method == .connect, head.connectProtocol.isEmpty {
            let authority = head.bytes(head.authority)
            return !hasScheme && head.path.isEmpty && Authority.port(authority) != nil
                && Authority.hostLength(authority) > 0
        }
        guard head.connectProtocol.isEmpty || head.method == .connect, hasScheme, !head.path.isEmpty else {
            return false
        }
        return head.bytes(head.path)[0] == 0x2F || head.method == .options
    }
}

extension HeadAssembler {
    /// Adds the joined crumbs as one field, in the form of a line.
    private mutating func addCookie(_ pool: BufferPool) {
        head.reserve(cookie.count + 16)
        let name = head.append(FieldName.cookie.spelling)
        let start = head.append(": ").end
        let count = cookie.count
        while let piece = cookie.head {
            _ = head.append(piece.readable)
            cookie.consume(piece.count, pool: pool)
        }
        _ = head.append("\r\n")
        head.appendField(name: name, value: Slice(offset: start, length: count), id: .cookie)
    }
}

/// The pseudo-fields of RFC 9113 section 8.3 and RFC 8441.
private enum PseudoField: UInt8 {
    case method = 1
    case scheme = 2
    case authority = 4
    case path = 8
    case connectProtocol = 16
    case status = 32

    var isRequest: Bool { self != .status }

    init?(_ name: UnsafeRawBufferPointer) {
        switch name.count {
        case 5 where Self.matches(name, ":path"): self = .path
        case 7 where Self.matches(name, ":method"): self = .method
        case 7 where Self.matches(name, ":scheme"): self = .scheme
        case 7 where Self.matches(name, ":status"): self = .status
        case 9 where Self.matches(name, ":protocol"): self = .connectProtocol
        case 10 where Self.matches(name, ":authority"): self = .authority
        default: return nil
        }
    }

    private static func matches(_ name: UnsafeRawBufferPointer, _ spelling: StaticString) -> Bool {
        for index in 0..<name.count where name[index] != spelling.utf8Start[index] { return false }
        return true
    }
}
