import CNghttp2
import Wire

extension HTTP2Session {
    /// Takes bytes from the peer. Take all events before the next call: those of `data` point into `bytes`. Returns `fault`.
    package func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) -> HTTP2Fault? {
        self.now = max(self.now, now)
        guard fault == nil, let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return fault }
        assert(events.isEmpty, "events are taken before more is received")
        var offset = 0
        let known = history.last
        resetInBatch = 0
        while let frame = scanner.next(bytes, &offset) {
            if let reason = meter.receive(frame, isYoung: frame.type == 0x3 && isYoung(frame.stream), now: self.now) {
                end(reason)
                return reason
            }
            if role == .server, let reason = judge(frame, payload: bytes[offset...], known: known) {
                end(reason)
                return reason
            }
        }
        let count = nghttp2_session_mem_recv(handle, base, bytes.count)
        settle()
        if count < 0 { end(Self.fault(Int32(truncatingIfNeeded: count))) }
        return fault
    }

    /// What nghttp2 passes over in frames for streams that are not there, and in PRIORITY frames, which it does not look at any more.
    /// `known`: the highest stream before these bytes; those opened in them are nghttp2's to judge.
    private func judge(
        _ frame: FrameHeader, payload: Swift.Slice<UnsafeRawBufferPointer>, known: UInt32
    ) -> HTTP2Fault? {
        switch frame.type {
        case 0x0, 0x1:
            guard frame.stream & 1 == 1 else { return nil }
            if frame.stream == resetInBatch { return .streamEnded }
            if frame.stream > known {
                guard frame.type == 0x1 else { return nil }
                if frame.stream < history.last, history.judge(frame.stream) == .passedOver { return .protocolViolation }
                history.open(frame.stream)
                return nil
            }
            guard streams[frame.stream] == nil else { return nil }
            switch history.judge(frame.stream) {
            case .fine: return nil
            case .ended: return .streamEnded
            case .passedOver: return .protocolViolation
            }
        case 0x3:
            resetInBatch = frame.stream
            return nil
        case 0x2:
            if frame.stream == 0 { return .protocolViolation }
            guard frame.length == 5, payload.count >= 4 else { return nil }
            let dependency = payload.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
            return dependency == frame.stream ? .protocolViolation : nil
        default: return nil
        }
    }

    private func isYoung(_ id: UInt32) -> Bool {
        guard let stream = streams[id] else { return true }
        return now - min(now, stream.openedAt) < UInt64(Limits.http2YoungStreamMilliseconds)
    }

    private static func fault(_ error: Int32) -> HTTP2Fault {
        switch error {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: .badPreface
        case NGHTTP2_ERR_FLOODED.rawValue: .acknowledgementBacklog
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .continuationFlood
        case NGHTTP2_ERR_NOMEM.rawValue, NGHTTP2_ERR_CALLBACK_FAILURE.rawValue: .internalFailure
        default: .protocolViolation
        }
    }

    /// Does what callbacks asked for.
    func settle() {
        if let reason = pendingFault {
            pendingFault = nil
            end(reason)
        }
        for id in pendingResets {
            nghttp2_submit_rst_stream(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), Int32(bitPattern: id), HTTP2Code.protocolError.rawValue)
        }
        pendingResets.removeAll(keepingCapacity: true)
        for id in pendingInternalResets {
            nghttp2_submit_rst_stream(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), Int32(bitPattern: id), HTTP2Code.internalError.rawValue)
        }
        pendingInternalResets.removeAll(keepingCapacity: true)
        giveCredit()
        if peerSettingsChanged { readPeerSettings() }
    }

    /// Gives the connection's credit back, unless its streams hold too much.
    func giveCredit() {
        if heldBytes > Limits.http2HeldBytesMax { isCreditWithheld = true }
        if isCreditWithheld, heldBytes > Limits.http2HeldBytesMax / 2 { return }
        isCreditWithheld = false
        guard credit > 0 else { return }
        nghttp2_session_consume_connection(handle, credit)
        credit = 0
    }

    // MARK: - Callbacks: they note, and call nothing

    func beginHeaders(_ frame: UnsafePointer<nghttp2_frame>) {
        let id = UInt32(frame.pointee.hd.stream_id)
        if let stream = streams[id] {
            assembler.begin(stream.hasHead ? .trailers : role == .server ? .request : .response, pools)
            return
        }
        assembler.begin(.request, pools)
        guard role == .server else { return }
        streams.insert(pools.takeStream(id, now: now))
    }

    @inline(__always)
    func header(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        assembler.add(name: name, value: value, pool: pools.buffers)
    }

    @inline(__always)
    func frameReceived(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = frame.pointee.hd
        let id = UInt32(header.stream_id)
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue:
            if header.flags & 0x1 != 0 { endOfData(id) }
        case NGHTTP2_HEADERS.rawValue:
            headersReceived(id, end: header.flags & 0x1 != 0)
        default:
            controlReceived(frame, id)
        }
    }

    private func endOfData(_ id: UInt32) {
        guard let stream = streams[id] else { return }
        stream.hasEnded = true
        guard !stream.isRefused, !events.endLast(id) else { return }
        events.append(.end(stream: id))
    }

    private func headersReceived(_ id: UInt32, end: Bool) {
        guard let stream = streams[id] else { return }
        stream.hasEnded = end
        guard !stream.isRefused, !stream.isResetByUs else { return assembler.clear(pools) }
        guard assembler.finish(pool: pools.buffers) else {
            assembler.clear(pools)
            return refuse(stream)
        }
        if assembler.isTooLarge {
            assembler.clear(pools)
            stream.isRefused = true
            stream.hasHead = true
            noteProvokedReset()
            events.append(.headersTooLarge(stream: id))
            return
        }
        let length = end ? nil : assembler.length
        let head = assembler.take(pools)
        if stream.hasHead {
            events.append(.trailers(stream: id), head: head)
        } else if role == .client, head.status < 200 {
            events.append(.informational(stream: id), head: head)
        } else {
            stream.hasHead = true
            events.append(.head(stream: id, end: end, length: length), head: head)
        }
    }

    /// A message that breaks a rule of ours: nghttp2 let it pass.
    private func refuse(_ stream: HTTP2Stream) {
        stream.isRefused = true
        if !stream.isResetByUs { leavingStreams += 1 }
        stream.isResetByUs = true
        noteProvokedReset()
        pendingResets.append(stream.id)
        events.append(.malformed(stream: stream.id))
    }

    @inline(never)
    private func controlReceived(_ frame: UnsafePointer<nghttp2_frame>, _ id: UInt32) {
        switch UInt32(frame.pointee.hd.type) {
        case NGHTTP2_RST_STREAM.rawValue:
            guard let stream = streams[id] else { return }
            stream.isResetByPeer = true
            events.append(.reset(stream: id, code: HTTP2Code(rawValue: frame.pointee.rst_stream.error_code)))
        case NGHTTP2_GOAWAY.rawValue:
            isClosing = true
            events.append(
                .goAway(
                    lastStream: UInt32(frame.pointee.goaway.last_stream_id),
                    code: HTTP2Code(rawValue: frame.pointee.goaway.error_code)))
        case NGHTTP2_SETTINGS.rawValue:
            guard frame.pointee.hd.flags & 0x1 == 0 else { return }
            peerSettingsChanged = true
            events.append(.settings)
        case NGHTTP2_PING.rawValue:
            guard frame.pointee.hd.flags & 0x1 != 0 else { return }
            let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
            events.append(.pong(UInt64(bigEndian: payload)))
        default: break
        }
    }

    @inline(__always)
    func dataReceived(_ id: UInt32, _ bytes: UnsafeRawBufferPointer) {
        credit += bytes.count
        guard let stream = streams[id], !stream.isRefused, !stream.isResetByUs, !bytes.isEmpty else { return }
        stream.unconsumed += bytes.count
        heldBytes += bytes.count
        events.append(.data(stream: id, bytes: bytes, end: false))
    }

    func streamClosed(_ id: UInt32, _ code: HTTP2Code) {
        guard let stream = streams[id] else { return }
        if code == .noError, !stream.isResetByPeer, !stream.isResetByUs {
            meter.streamCompleted()
        } else if !stream.isResetByPeer, !stream.isResetByUs {
            let isUntouched = code == .refusedStream || code == .noError || code == .cancel
            events.append(isUntouched ? .reset(stream: id, code: code) : .malformed(stream: id))
        }
        forget(stream)
    }

    /// Counts a reset that the peer made us send. The session ends after the callbacks: `end` must not be called from one.
    func noteProvokedReset() {
        if fault == nil, let reason = meter.provokedReset(now: now) { pendingFault = reason }
    }
}
