import CNghttp2
import Wire

/// nghttp2's tables of callbacks and options: made once, never freed, read by all sessions of all threads.
struct Nghttp2: @unchecked Sendable {
    let callbacks: OpaquePointer
    let options: OpaquePointer

    static let shared = Nghttp2()

    private init() {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks, nghttp2_option_new(&options) == 0,
            let options
        else { fatalError("nghttp2 has no memory") }
        self.callbacks = callbacks
        self.options = options

        // Credit is ours to give back.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_max_send_header_block_length(options, Limits.http2SentBlockBytesMax)
        nghttp2_option_set_max_outbound_ack(options, Limits.http2AcknowledgementsMax)
        nghttp2_option_set_max_continuations(options, Limits.http2ContinuationsMax)
        // The abuse meter judges resets; nghttp2's own limit would end an honest connection in an outage.
        nghttp2_option_set_stream_reset_rate_limit(options, 1 << 40, 1 << 40)

        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            with(owner) { $0.beginHeaders(frame!) }
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) { _, _, name, nameCount, value, count, _, owner in
            with(owner) {
                $0.header(
                    UnsafeRawBufferPointer(start: name, count: nameCount),
                    UnsafeRawBufferPointer(start: value, count: count))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, owner in
            with(owner) { $0.assembler.refuse() }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            with(owner) { $0.frameReceived(frame!) }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, owner in
            with(owner) { $0.dataReceived(UInt32(stream), UnsafeRawBufferPointer(start: bytes, count: count)) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, owner in
            with(owner) { $0.streamClosed(UInt32(stream), HTTP2Code(rawValue: code)) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            with(owner) { $0.frameSent(frame!) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, owner in
            with(owner) { $0.frameNotSent(frame!) }
            return 0
        }
        nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, _, owner in
            with(owner) { $0.sendData(UInt32(frame!.pointee.hd.stream_id), header!, count) }
        }
    }

    /// The provider of a stream's DATA. nghttp2 asks how much there is, and then for the bytes by the send-data callback.
    static func provider() -> nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source(ptr: nil)) { _, stream, _, count, flags, _, owner in
            with(owner) { $0.dataToSend(UInt32(stream), upTo: count, flags!) }
        }
    }

    /// A session's allocator. The cache outlives the session.
    static func memory(of blocks: BlockCache) -> nghttp2_mem {
        nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(blocks).toOpaque(),
            malloc: { size, owner in with(owner) { (cache: BlockCache) in cache.take(size) } },
            free: { block, owner in
                guard let block else { return }
                with(owner) { (cache: BlockCache) in cache.give(block) }
            },
            calloc: { count, size, owner in
                let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
                if overflow { return nil }
                let block = with(owner) { (cache: BlockCache) in cache.take(bytes) }
                block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                return block
            },
            realloc: { block, size, owner in
                with(owner) { (cache: BlockCache) in
                    block.map { cache.resize($0, to: size) } ?? cache.take(size)
                }
            })
    }
}

/// The object behind a callback. It is alive while nghttp2 works for it, so nothing is counted.
@inline(__always)
private func with<Owner: AnyObject, R>(_ owner: UnsafeMutableRawPointer?, _ body: (Owner) -> R) -> R {
    Unmanaged<Owner>.fromOpaque(owner!)._withUnsafeGuaranteedRef(body)
}

/// The session behind a callback.
@inline(__always)
private func with<R>(_ owner: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> R) -> R {
    Unmanaged<HTTP2Session>.fromOpaque(owner!)._withUnsafeGuaranteedRef(body)
}
