import Glibc

/// Header values as Envoy's substitution formats: text with `%COMMAND(ARGUMENT):LENGTH%` in it.
/// Parsed once, when a table is built; `check` is for diagnostics.
package enum HeaderFormat {
    /// What is wrong with a value, as a sentence; nil if it is legal.
    package static func check(_ value: String) -> String? {
        switch parse(value) {
        case .success: nil
        case .failure(let problem): problem.sentence
        }
    }

    /// Why a header may not be named in `headers` operations, as a sentence; nil if it may. Framing belongs to the
    /// proxy on each connection: an operation on it would let two readers see two different messages.
    package static func check(name: String) -> String? {
        guard !name.isEmpty else { return "a header name is empty" }
        if name.hasPrefix(":") || name == "host" { return "\(name) cannot be changed here" }
        for byte in name.utf8 where !isTokenByte(byte) { return "\(name) is not a legal header name" }
        switch name {
        case "connection", "content-length", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "te",
            "trailer":
            return "\(name) belongs to the connection and is written by the proxy itself"
        default: return nil
        }
    }

    struct Problem: Error { var sentence: String }

    /// One piece of a value, with its texts still apart.
    struct Piece {
        var kind: FormatToken.Kind
        /// The text, the header's name (lower case), the parameter's name or the time format.
        var argument = ""
        /// The second header of `A?B`.
        var alternative = ""
        var bytesMax: Int?
    }

    // MARK: - Parsing

    /// A value in pieces.
    static func parse(_ value: String) -> Result<[Piece], Problem> {
        for byte in value.utf8 where byte < 0x20 && byte != 0x09 || byte == 0x7F {
            return .failure(Problem(sentence: "the value contains a control character"))
        }
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var rest = Array(value.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                literal.append(byte)
                continue
            }
            if rest.first == UInt8(ascii: "%") {
                rest.removeFirst()
                literal.append(byte)
                continue
            }
            if !literal.isEmpty {
                pieces.append(Piece(kind: .literal, argument: String(decoding: literal, as: UTF8.self)))
                literal = []
            }
            switch command(&rest) {
            case .success(let piece): pieces.append(piece)
            case .failure(let problem): return .failure(problem)
            }
        }
        if !literal.isEmpty { pieces.append(Piece(kind: .literal, argument: String(decoding: literal, as: UTF8.self))) }
        return .success(pieces)
    }

    /// Reads `NAME(ARGUMENT):LENGTH%` after its first `%`.
    private static func command(_ rest: inout ArraySlice<UInt8>) -> Result<Piece, Problem> {
        let name = take(&rest) { isUpper($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
        guard !name.isEmpty else { return .failure(Problem(sentence: "a lone % must be written %%")) }
        var argument: String?
        if rest.first == UInt8(ascii: "(") {
            rest.removeFirst()
            argument = take(&rest) { $0 != UInt8(ascii: ")") }
            guard rest.popFirst() == UInt8(ascii: ")") else {
                return .failure(Problem(sentence: "%\(name)( has no closing parenthesis"))
            }
        }
        var bytesMax: Int?
        if rest.first == UInt8(ascii: ":") {
            rest.removeFirst()
            let digits = take(&rest, while: isDigit)
            guard let count = Int(digits) else {
                return .failure(Problem(sentence: "%\(name): needs a number of bytes"))
            }
            bytesMax = count
        }
        guard rest.popFirst() == UInt8(ascii: "%") else {
            return .failure(Problem(sentence: "%\(name) has no closing %"))
        }
        return piece(name, argument: argument, bytesMax: bytesMax)
    }

    private static func piece(_ name: String, argument: String?, bytesMax: Int?) -> Result<Piece, Problem> {
        if let kind = plainCommands[name] {
            guard argument == nil, bytesMax == nil else {
                return .failure(Problem(sentence: "%\(name)% takes neither an argument nor a length"))
            }
            return .success(kind == .hostName ? Piece(kind: .literal, argument: hostName()) : Piece(kind: kind))
        }
        guard let kind = argumentCommands[name] else {
            return .failure(Problem(sentence: "%\(name)% is not a command that Outrider knows"))
        }
        let argument = argument ?? ""
        switch kind {
        case .startTime:
            guard bytesMax == nil else { return .failure(Problem(sentence: "%\(name)% takes no length")) }
            if let problem = TimeFormat.check(argument) { return .failure(Problem(sentence: problem)) }
            return .success(Piece(kind: kind, argument: argument))
        case .environment:
            let value = getenv(argument).map { String(cString: $0) } ?? ""
            let kept = String(decoding: value.utf8.prefix(bytesMax ?? .max), as: UTF8.self)
            return .success(Piece(kind: .literal, argument: kept.contains { $0.isNewline } ? "" : kept))
        case .path: return pathPiece(argument, bytesMax: bytesMax)
        case .queryParameter:
            guard !argument.isEmpty else { return .failure(Problem(sentence: "%\(name)()% needs a name")) }
            return .success(Piece(kind: kind, argument: argument, bytesMax: bytesMax))
        default:
            let names = argument.lowercased().split(separator: "?", omittingEmptySubsequences: false).map(String.init)
            guard names.count <= 2, names.allSatisfy({ !$0.isEmpty }) else {
                return .failure(Problem(sentence: "%\(name)()% needs one header, or two with a ? between them"))
            }
            return .success(
                Piece(kind: kind, argument: names[0], alternative: names.count > 1 ? names[1] : "", bytesMax: bytesMax))
        }
    }

    /// `%PATH(X:Y)%`: with (`WQ`) or without (`NQ`) query; the original path, the present one, or the first of them
    /// that exists.
    private static func pathPiece(_ argument: String, bytesMax: Int?) -> Result<Piece, Problem> {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let query = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "WQ"
        let source = parts.count > 1 ? parts[1] : "ORIG_OR_PATH"
        guard parts.count <= 2, ["WQ", "NQ"].contains(query), ["ORIG", "PATH", "ORIG_OR_PATH"].contains(source) else {
            return .failure(Problem(sentence: "%PATH()% takes WQ or NQ, then ORIG, PATH or ORIG_OR_PATH"))
        }
        let original = "x-envoy-original-path"
        var piece = Piece(kind: query == "WQ" ? .requestHeader : .pathWithoutQuery, bytesMax: bytesMax)
        piece.argument = source == "PATH" ? ":path" : original
        piece.alternative = source == "ORIG_OR_PATH" ? ":path" : ""
        return .success(piece)
    }

    // MARK: - Commands

    private static let plainCommands: [String: FormatToken.Kind] = [
        "PROTOCOL": .protocolName, "RESPONSE_CODE": .responseCode, "RESPONSE_FLAGS": .responseFlags,
        "RESPONSE_CODE_DETAILS": .responseCodeDetails, "DURATION": .duration, "BYTES_RECEIVED": .bytesReceived,
        "BYTES_SENT": .bytesSent, "HOSTNAME": .hostName, "ROUTE_NAME": .routeName, "STREAM_ID": .streamID,
        "CONNECTION_ID": .connectionID, "REQUESTED_SERVER_NAME": .requestedServerName,
        "DOWNSTREAM_REMOTE_ADDRESS": .remoteAddress, "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": .remoteHost,
        "DOWNSTREAM_REMOTE_PORT": .remotePort, "DOWNSTREAM_DIRECT_REMOTE_ADDRESS": .directRemoteAddress,
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": .directRemoteHost,
        "DOWNSTREAM_LOCAL_ADDRESS": .localAddress, "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT": .localHost,
        "DOWNSTREAM_LOCAL_PORT": .localPort, "UPSTREAM_HOST": .upstreamAddress,
        "UPSTREAM_REMOTE_ADDRESS": .upstreamAddress, "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": .upstreamHost,
        "UPSTREAM_REMOTE_PORT": .upstreamPort, "UPSTREAM_CLUSTER": .upstreamCluster,
        "UPSTREAM_REQUEST_ATTEMPT_COUNT": .attemptCount, "DOWNSTREAM_PEER_URI_SAN": .peerURISAN,
        "DOWNSTREAM_PEER_SUBJECT": .peerSubject, "DOWNSTREAM_TLS_VERSION": .tlsVersion,
        "DOWNSTREAM_TLS_CIPHER": .tlsCipher,
    ]

    private static let argumentCommands: [String: FormatToken.Kind] = [
        "REQ": .requestHeader, "REQUEST_HEADER": .requestHeader, "RESP": .responseHeader,
        "RESPONSE_HEADER": .responseHeader, "TRAILER": .trailer, "RESPONSE_TRAILER": .trailer, "START_TIME": .startTime,
        "ENVIRONMENT": .environment, "QUERY_PARAM": .queryParameter, "PATH": .path,
    ]

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: - Bytes

    private static func take(_ rest: inout ArraySlice<UInt8>, while holds: (UInt8) -> Bool) -> String {
        let part = rest.prefix(while: holds)
        rest = rest.dropFirst(part.count)
        return String(decoding: part, as: UTF8.self)
    }

    private static func isUpper(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || isUpper(byte) || byte >= 0x61 && byte <= 0x7A || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
