import CNghttp2
import Wire

extension HTTP2Session {
    /// Appends to `out` what is to be sent, as far as there is room. True: more waits for room; empty `out` and call again. Wants
    /// at least `Limits.http2FrameRoomBytes` of room. Take events afterwards, and look at `fault`.
    ///
    /// Body bytes go from a stream's queue straight into `out` (nghttp2's no-copy way), so they are copied once less than by way
    /// of nghttp2's own frame buffer; all other frames are small and copied from there.
    package func write(to out: Buffer) -> Bool {
        target = out
        isBlocked = false
        defer { target = nil }
        while true {
            guard out.room >= Limits.http2FrameRoomBytes else {
                settle()
                return wantsWrite
            }
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(handle, &bytes)
            if count > 0 {
                let added = out.append(UnsafeRawBufferPointer(start: bytes, count: count))
                precondition(added == count, "a frame fits the room that was asked for")
            }
            let hasTrailers = !pendingTrailers.isEmpty
            if hasTrailers { submitPendingTrailers() }
            if count > 0 || hasTrailers { continue }
            settle()
            if count < 0 {
                end(.internalFailure)
                return false
            }
            if isBlocked { return true }
            // What `settle` queued: credit, resets, the last word.
            guard wantsWrite, !isWriteIdle() else { return false }
        }
    }

    /// Whether nghttp2 wants to write and has nothing: then it waits for credit.
    private func isWriteIdle() -> Bool { nghttp2_session_get_outbound_queue_size(handle) == 0 }

    private func submitPendingTrailers() {
        for id in pendingTrailers {
            guard let stream = streams[id], let trailers = stream.trailers else { continue }
            stream.trailers = nil
            pools.list.fillTrailers(trailers)
            nghttp2_submit_trailer(handle, Int32(bitPattern: id), pools.list.entries, pools.list.count)
            pools.give(trailers)
        }
        pendingTrailers.removeAll(keepingCapacity: true)
    }

    // MARK: - Callbacks

    /// How many bytes the next DATA frame carries.
    func dataToSend(_ id: UInt32, upTo count: Int, _ flags: UnsafeMutablePointer<UInt32>) -> Int {
        guard let stream = streams[id] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let waiting = stream.queue.count
        let taken = min(waiting, count)
        if taken == waiting, stream.isEnding {
            if stream.trailers != nil {
                pendingTrailers.append(id)
            } else if !stream.hasSubmittedTrailers {
                flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            }
        }
        if taken == 0, flags.pointee & NGHTTP2_DATA_FLAG_EOF.rawValue == 0 {
            stream.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        if taken > 0 { flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
        return taken
    }

    /// Writes a DATA frame.
    func sendData(_ id: UInt32, _ header: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        guard let out = target, let stream = streams[id] else { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue }
        guard out.room >= 9 + count else {
            isBlocked = true
            return NGHTTP2_ERR_WOULDBLOCK.rawValue
        }
        _ = out.append(UnsafeRawBufferPointer(start: header, count: 9))
        var left = count
        while left > 0, let first = stream.queue.head {
            let step = min(left, first.count)
            _ = out.append(UnsafeRawBufferPointer(rebasing: first.readable[..<step]))
            stream.queue.consume(step, pool: pools.buffers)
            left -= step
        }
        precondition(left == 0, "a queue only grows between asking and sending")
        queuedBytes -= count
        stream.progressAt = now
        meter.dataSent()
        resume(stream)
        resumeAfterTotal()
        return 0
    }

    func frameSent(_ frame: UnsafePointer<nghttp2_frame>) {
        switch UInt32(frame.pointee.hd.type) {
        case NGHTTP2_RST_STREAM.rawValue:
            history.reset(UInt32(frame.pointee.hd.stream_id))
            let stream = streams[UInt32(frame.pointee.hd.stream_id)]
            if stream?.isResetByUs != true { noteProvokedReset() }
        case NGHTTP2_GOAWAY.rawValue:
            guard frame.pointee.goaway.error_code != 0, !isTerminated, fault == nil else { return }
            // nghttp2's own verdict.
            fault = .protocolViolation
            isClosing = true
        default: break
        }
    }

    /// A request whose head was never sent: the peer is going away. A response's stream is reset by nghttp2 or gone.
    func frameNotSent(_ frame: UnsafePointer<nghttp2_frame>) {
        guard UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue,
            let stream = streams[UInt32(frame.pointee.hd.stream_id)]
        else { return }
        if role == .client, frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            events.append(.reset(stream: stream.id, code: .refusedStream))
            forget(stream)
        } else {
            if !stream.isResetByUs { leavingStreams += 1 }
            stream.isResetByUs = true
            pendingInternalResets.append(stream.id)
        }
    }
}
