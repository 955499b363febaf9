import CNghttp2
import Wire

// Commands for a stream that is closed, or was reset, do nothing. None may be called from inside nghttp2, and none can be: no
// event is handed over there.
extension HTTP2Session {
    private static let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    private static let endFlag = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)

    // MARK: - Heads

    /// Whether a request may be submitted now: nobody said goodbye, and the peer takes one more stream.
    package var canSubmitRequest: Bool {
        takesRequests && streams.count - leavingStreams < Int(peerConcurrentStreamsMax)
    }

    /// Client: whether a request can ever be submitted again: nobody said goodbye, and there are numbers left.
    package var takesRequests: Bool {
        !isClosing && fault == nil && nghttp2_session_check_request_allowed(handle) != 0
    }

    /// Client: sends a request's head. Nil: refused, on the grounds of `canSubmitRequest` or since the numbers are used up.
    package func submitRequest(_ head: Head, length: HTTP2Length = .asInHead, end: Bool) -> UInt32? {
        precondition(role == .client, "a client sends requests")
        guard canSubmitRequest else { return nil }
        let list = pools.list
        list.fillRequest(head, length: length)
        var provider = Nghttp2.provider()
        let id =
            end
            ? nghttp2_submit_request(handle, nil, list.entries, list.count, nil, nil)
            : nghttp2_submit_request(handle, nil, list.entries, list.count, &provider, nil)
        guard id > 0 else { return nil }
        let stream = pools.takeStream(UInt32(id), now: now)
        stream.hasSentHead = true
        stream.isEnding = end
        streams.insert(stream)
        return UInt32(id)
    }

    /// Server: sends a final response's head.
    package func submitResponse(_ id: UInt32, _ head: Head, length: HTTP2Length = .asInHead, end: Bool) {
        guard let stream = writable(id), !stream.hasSentHead else { return }
        let list = pools.list
        list.fillResponse(head, length: length)
        var provider = Nghttp2.provider()
        let result =
            end
            ? nghttp2_submit_response(handle, Int32(bitPattern: id), list.entries, list.count, nil)
            : nghttp2_submit_response(handle, Int32(bitPattern: id), list.entries, list.count, &provider)
        stream.hasSentHead = true
        stream.isEnding = end
        if result != 0 { reset(id, .internalError) }
    }

    /// Server: sends a 1xx response. 101 does not exist in HTTP/2 and is passed over.
    package func submitInformational(_ id: UInt32, _ head: Head) {
        guard let stream = writable(id), !stream.hasSentHead, head.status < 200, head.status != 101 else { return }
        let list = pools.list
        list.fillResponse(head, length: .unknown)
        nghttp2_submit_headers(
            handle, Self.noFlags, Int32(bitPattern: id), nil, list.entries, list.count, nil)
    }

    // MARK: - Bodies

    /// Queues a part of the body; the bytes are copied. False: pause until `drained`, since too much waits for this stream or for
    /// all together. What is given nevertheless is kept.
    package func submitData(_ id: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        guard let stream = writable(id), stream.hasSentHead, !stream.isEnding else { return true }
        if stream.queue.isEmpty { stream.progressAt = now }
        stream.queue.append(bytes, pool: pools.buffers)
        queuedBytes += bytes.count
        stream.isEnding = end
        if end || !bytes.isEmpty { wake(stream) }
        if queuedBytes > Limits.http2HeldBytesMax { hasPausedForTotal = true }
        if stream.queue.count > Limits.pendingHighBytes || hasPausedForTotal { stream.isPaused = true }
        return !stream.isPaused
    }

    /// Ends the message, with trailers if there are any (copied).
    package func submitEnd(_ id: UInt32, trailers: Head? = nil) {
        guard let stream = writable(id), stream.hasSentHead, !stream.isEnding else { return }
        stream.isEnding = true
        if let trailers, hasFields(trailers) {
            if stream.isDeferred, stream.queue.isEmpty {
                // DATA is at rest: trailers go at once, and no empty frame before them.
                pools.list.fillTrailers(trailers)
                stream.hasSubmittedTrailers = true
                nghttp2_submit_trailer(handle, Int32(bitPattern: id), pools.list.entries, pools.list.count)
                return
            }
            stream.trailers = copy(trailers)
            stream.hasSubmittedTrailers = true
        }
        wake(stream)
    }

    private func hasFields(_ head: Head) -> Bool {
        for index in 0..<head.fieldCount where !head.fields[index].isRemoved { return true }
        return false
    }

    private func copy(_ trailers: Head) -> Head {
        let copy = pools.takeHead()
        for index in 0..<trailers.fieldCount where !trailers.fields[index].isRemoved {
            let field = trailers.fields[index]
            copy.appendFieldLine(name: trailers.bytes(field.name), value: trailers.bytes(field.value), id: field.id)
        }
        return copy
    }

    private func wake(_ stream: HTTP2Stream) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        nghttp2_session_resume_data(handle, Int32(bitPattern: stream.id))
    }

    /// The owner passed on `count` bytes of the peer's body: the peer may send as many more.
    package func consumed(_ id: UInt32, _ count: Int) {
        guard let stream = streams[id], count > 0 else { return }
        precondition(count <= stream.unconsumed, "only bytes that were handed over are given back")
        stream.unconsumed -= count
        heldBytes -= count
        if !stream.hasEnded { nghttp2_session_consume_stream(handle, Int32(bitPattern: id), count) }
        giveCredit()
    }

    // MARK: - Ends

    /// Resets a stream. Nothing more of it is handed over but `streamClosed`; what waits for the peer is dropped.
    package func reset(_ id: UInt32, _ code: HTTP2Code) {
        guard let stream = writable(id) else { return }
        stream.isResetByUs = true
        leavingStreams += 1
        stream.isRefused = true
        nghttp2_submit_rst_stream(handle, Self.noFlags, Int32(bitPattern: id), code.rawValue)
    }

    /// Server: tells the client that the connection will end, while its requests under way are still taken. Send `goAway` a
    /// round trip later.
    package func shutdownNotice() {
        if role == .server, !isClosing { nghttp2_submit_shutdown_notice(handle) }
    }

    /// The last word: streams that were begun may end, new ones are not taken. Afterwards `wantsRead` and `wantsWrite` turn false
    /// with the last stream.
    package func goAway(_ code: HTTP2Code = .noError) {
        guard !isTerminated, fault == nil else { return }
        isClosing = true
        let last = nghttp2_session_get_last_proc_stream_id(handle)
        if code != .noError { isTerminated = true }
        nghttp2_submit_goaway(handle, Self.noFlags, last, code.rawValue, nil, 0)
    }

    /// Ends the session and its streams with a GOAWAY, for a reason of the owner's.
    package func terminate(_ code: HTTP2Code) {
        guard !isTerminated, fault == nil else { return }
        isClosing = true
        isTerminated = true
        nghttp2_session_terminate_session(handle, code.rawValue)
    }

    /// Asks for a sign of life; `pong` brings `payload` back.
    package func ping(_ payload: UInt64) {
        var bytes = payload.bigEndian
        withUnsafeBytes(of: &bytes) {
            _ = nghttp2_submit_ping(handle, Self.noFlags, $0.bindMemory(to: UInt8.self).baseAddress)
        }
    }

    // MARK: - Upgrade

    /// Server, before anything was received: an HTTP/1.1 request asked for `h2c` and becomes stream 1, whose message is over.
    /// `settings` is the value of its HTTP2-Settings field. False: that is not what it should be; stay with HTTP/1.1. The owner has
    /// the request's head; no event tells of it.
    package func upgrade(settings: UnsafeRawBufferPointer, isHead: Bool) -> Bool {
        precondition(role == .server && streams.count == 0, "a server's connection is upgraded before anything else")
        guard let payload = Base64URL.decode(settings, max: Limits.http2UpgradeSettingsBytesMax),
            payload.count % 6 == 0,
            nghttp2_session_upgrade2(handle, payload, payload.count, isHead ? 1 : 0, nil) == 0
        else { return false }
        let stream = pools.takeStream(1, now: now)
        stream.hasHead = true
        stream.hasEnded = true
        streams.insert(stream)
        readPeerSettings()
        return true
    }

    /// The stream, unless it is gone or going.
    private func writable(_ id: UInt32) -> HTTP2Stream? {
        guard let stream = streams[id], !stream.isResetByUs, !stream.isResetByPeer else { return nil }
        return stream
    }
}
