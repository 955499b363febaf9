import Wire

extension ClientHello {
    /// Reads a hello's body (RFC 8446 section 4.1.2; RFC 6066 section 3; RFC 7301 section 3.1); nil when it is
    /// malformed.
    init?(message: UnsafeRawBufferPointer) {
        self.init()
        var reader = ByteReader(message)
        guard reader.skip(2 + 32),
            let session = reader.vector(lengthBytes: 1), session.count <= 32,
            let ciphers = reader.vector(lengthBytes: 2), ciphers.count >= 2, ciphers.count % 2 == 0,
            let compressions = reader.vector(lengthBytes: 1), !compressions.isEmpty
        else { return nil }
        if reader.isAtEnd { return }
        guard let extensions = reader.vector(lengthBytes: 2), reader.isAtEnd else { return nil }
        guard readExtensions(extensions) else { return nil }
    }

    private mutating func readExtensions(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = ByteReader(bytes)
        var (sawName, sawProtocols) = (false, false)
        while !reader.isAtEnd {
            guard let kind = reader.number(bytes: 2), let content = reader.vector(lengthBytes: 2) else { return false }
            switch kind {
            case 0:
                guard !sawName, readServerName(content) else { return false }
                sawName = true
            case 16:
                guard !sawProtocols, readProtocols(content) else { return false }
                sawProtocols = true
            default: break
            }
        }
        return true
    }

    private mutating func readServerName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = ByteReader(bytes)
        guard let list = reader.vector(lengthBytes: 2), reader.isAtEnd, !list.isEmpty else { return false }
        var names = ByteReader(list)
        while !names.isAtEnd {
            guard let kind = names.number(bytes: 1), let name = names.vector(lengthBytes: 2) else { return false }
            guard kind == 0 else { continue }
            guard serverName.isEmpty, !name.isEmpty, name.count <= Limits.serverNameBytesMax,
                name.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else { return false }
            serverName = name.map(\.lowercasedASCII)
        }
        return true
    }

    private mutating func readProtocols(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = ByteReader(bytes)
        guard let list = reader.vector(lengthBytes: 2), reader.isAtEnd, !list.isEmpty else { return false }
        var names = ByteReader(list)
        while !names.isAtEnd {
            guard let name = names.vector(lengthBytes: 1), !name.isEmpty else { return false }
            offers.formUnion(Self.offer(name))
        }
        protocolList = Array(list)
        return true
    }

    private static func offer(_ name: UnsafeRawBufferPointer) -> Offers {
        switch ApplicationProtocol(name) {
        case .h2: .h2
        case .http11: .http11
        case .istio: .istio
        case .istioPeerExchange: .istioPeerExchange
        case .none: []
        case .other:
            name.elementsEqual("istio-http/1.1".utf8) || name.elementsEqual("istio-h2".utf8)
                || name.elementsEqual("istio-http/1.0".utf8) ? .istioHTTP : []
        }
    }
}

/// Numbers and vectors in network order, never past the end.
private struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ count: Int) -> Bool {
        guard bytes.count - position >= count else { return false }
        position += count
        return true
    }

    mutating func number(bytes count: Int) -> Int? {
        guard bytes.count - position >= count else { return nil }
        defer { position += count }
        return bytes[position..<position + count].reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func vector(lengthBytes: Int) -> UnsafeRawBufferPointer? {
        guard let count = number(bytes: lengthBytes), bytes.count - position >= count else { return nil }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }
}
