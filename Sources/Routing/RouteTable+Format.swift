import Wire

/// What formats read: the request's head and, for answers, the answer's; the facts beside them.
struct FormatSource {
    let request: Head
    let response: Head?
    let context: FormatContext
}

extension RouteTable {
    /// Evaluates a value at the end of `target`'s storage. Empty when nothing in it is available.
    func evaluate(_ run: Run, from source: borrowing FormatSource, into target: Head) -> Slice {
        let start = target.storageUsed
        for index in run.indices { append(tokens.at(index), from: source, to: target) }
        return Slice(offset: start, length: target.storageUsed - start)
    }

    private func append(_ token: UnsafePointer<FormatToken>, from source: borrowing FormatSource, to target: Head) {
        let context = source.context
        let isResponse = source.response != nil
        switch token.pointee.kind {
        case .literal: _ = target.append(text(token.pointee.text))
        case .requestHeader: appendHeader(token, of: source.request, to: target, withQuery: true)
        case .pathWithoutQuery: appendHeader(token, of: source.request, to: target, withQuery: false)
        case .responseHeader:
            if let response = source.response { appendHeader(token, of: response, to: target, withQuery: true) }
        case .queryParameter:
            let query = MatchInput(source.request).query
            guard let value = queryParameter(text(token.pointee.text), in: query, of: source.request) else { return }
            // Where it stands, since appending may move the storage.
            let offset = value.baseAddress.map { $0 - UnsafeRawPointer(source.request.storage) } ?? 0
            append(Slice(offset: offset, length: value.count), of: source.request, token, to: target)
        case .startTime:
            TimeFormat.append(context.startTimeMicroseconds, format: text(token.pointee.text), to: target)
        case .protocolName:
            switch context.protocolVersion {
            case .http10: _ = target.append("HTTP/1.0" as StaticString)
            case .http11: _ = target.append("HTTP/1.1" as StaticString)
            case .http2: _ = target.append("HTTP/2" as StaticString)
            }
        case .responseCode: target.appendNumber(Int64(source.response?.status ?? 0))
        case .responseFlags: append(context.responseFlags, to: target)
        case .responseCodeDetails: append(context.responseCodeDetails, to: target)
        case .duration: target.appendNumber(context.durationMilliseconds)
        case .bytesReceived: target.appendNumber(context.bytesReceived)
        case .bytesSent: target.appendNumber(context.bytesSent)
        case .streamID: append(context.streamID, to: target)
        case .connectionID: target.appendNumber(Int64(truncatingIfNeeded: context.connectionID))
        case .requestedServerName: append(context.requestedServerName, to: target)
        case .peerURISAN: append(context.peerURISAN, to: target)
        case .peerSubject: append(context.peerSubject, to: target)
        case .tlsVersion: append(context.tlsVersion, to: target)
        case .tlsCipher: append(context.tlsCipher, to: target)
        case .upstreamCluster: if isResponse { append(context.upstreamCluster, to: target) }
        case .attemptCount: if context.attemptCount > 0 { target.appendNumber(Int64(context.attemptCount)) }
        default: appendAddress(token.pointee.kind, from: context, isResponse: isResponse, to: target)
        }
    }

    private func appendAddress(
        _ kind: FormatToken.Kind, from context: FormatContext, isResponse: Bool, to target: Head
    ) {
        let upstream = isResponse ? context.upstream : .none
        switch kind {
        case .remoteAddress: target.append(context.downstreamRemote, withPort: true)
        case .remoteHost: target.append(context.downstreamRemote, withPort: false)
        case .remotePort: appendPort(context.downstreamRemote, to: target)
        case .directRemoteAddress: target.append(context.downstreamDirectRemote, withPort: true)
        case .directRemoteHost: target.append(context.downstreamDirectRemote, withPort: false)
        case .localAddress: target.append(context.downstreamLocal, withPort: true)
        case .localHost: target.append(context.downstreamLocal, withPort: false)
        case .localPort: appendPort(context.downstreamLocal, to: target)
        case .upstreamAddress: target.append(upstream, withPort: true)
        case .upstreamHost: target.append(upstream, withPort: false)
        case .upstreamPort: appendPort(upstream, to: target)
        default: break  // Trailers have not come yet; the rest became literals.
        }
    }

    private func appendPort(_ address: PeerAddress, to target: Head) {
        if address.family != .none { target.appendNumber(Int64(address.port)) }
    }

    // MARK: - Texts of peers

    /// The first value of a header, or of its alternative where it is missing.
    private func appendHeader(
        _ token: UnsafePointer<FormatToken>, of head: Head, to target: Head, withQuery: Bool
    ) {
        if name(token.pointee.text).elementsEqual(":scheme".utf8) {
            _ = target.append(head.schemeIsHTTPS ? "https" : "http" as StaticString)
            return
        }
        var value = header(token.pointee.id, token.pointee.text, of: head)
        if value == nil, !token.pointee.alternative.isEmpty {
            value = header(token.pointee.alternativeID, token.pointee.alternative, of: head)
        }
        guard var value else { return }
        if !withQuery, let mark = head.bytes(value).firstIndex(of: UInt8(ascii: "?")) {
            value = Slice(offset: value.start, length: mark)
        }
        append(value, of: head, token, to: target)
    }

    private func header(_ id: FieldName, _ spelling: Slice, of head: Head) -> Slice? {
        let name = name(spelling)
        if name.first == UInt8(ascii: ":") || id == .host {
            if id == .host || name.elementsEqual(":authority".utf8) { return head.authority }
            if name.elementsEqual(":path".utf8) { return head.path }
            if name.elementsEqual(":method".utf8) { return head.methodSlice }
            return nil
        }
        return head.position(id, name).map { head.fields[$0].value }
    }

    /// Copies a part of a head, cut to the token's length.
    private func append(_ slice: Slice, of head: Head, _ token: UnsafePointer<FormatToken>, to target: Head) {
        let bytesMax = Int(token.pointee.bytesMax)
        let count = bytesMax < 0 ? slice.count : min(slice.count, bytesMax)
        target.reserve(count)
        _ = target.append(head.bytes(Slice(offset: slice.start, length: count)))
    }

    /// Copies a text that did not come through the parser of heads; one with control characters counts as unavailable.
    private func append(_ bytes: UnsafeRawBufferPointer, to target: Head) {
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return }
        _ = target.append(bytes)
    }
}
