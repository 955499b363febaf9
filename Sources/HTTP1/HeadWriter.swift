import Wire

/// Writes heads and chunk framing for HTTP/1.1 peers. Each function appends to `out` and says whether there was room; if not,
/// nothing was added. Names and values come out as they were received; nothing that a head holds can end a line early, which
/// debug builds assert.
package enum HeadWriter {
    /// Writes a request: `METHOD path HTTP/1.1`, the fields that were not removed and do not concern one connection, and what frames
    /// the body.
    ///
    /// The Host field is written from `head.authority`, in the place and spelling of the one received or, if there was none, first.
    /// Content-Length is kept where it says what `framing` says, and corrected or added where it does not; without a body and
    /// without `Content-Length: 0` there is none. `upgrade` keeps the Upgrade field and adds `connection: upgrade`.
    package static func request(_ head: Head, framing: BodyFraming, upgrade: Bool, to out: Buffer) -> Bool {
        var sink = HeadSink(out)
        let storage = UnsafePointer(head.storage)
        sink.put(storage + head.methodSlice.start, count: head.methodSlice.count)
        sink.put(" ")
        if head.method == .connect {
            sink.put(storage + head.authority.start, count: head.authority.count)
        } else if head.path.isEmpty {
            sink.put("/")
        } else {
            sink.put(storage + head.path.start, count: head.path.count)
        }
        sink.put(" HTTP/1.1\r\n")
        if head.firstIndex(of: .host) == nil {
            sink.put("host: ")
            sink.put(storage + head.authority.start, count: head.authority.count)
            sink.put("\r\n")
        }
        var fields = FieldWriter(
            head: head, framing: framing, keepsLength: false, upgrade: upgrade, authority: head.authority)
        fields.write(to: &sink)
        if upgrade { sink.put("connection: upgrade\r\n") }
        sink.put("\r\n")
        return sink.commit(to: out)
    }

    /// Writes a response to a client of HTTP/1.`minorVersion`: the status line, the fields as above, and what frames the body.
    ///
    /// The reason is the one received, else the standard one. `close`, or a body that ends with the connection, adds
    /// `connection: close`; otherwise an HTTP/1.0 client is told `keep-alive`. A HEAD or 304 answer keeps its Content-Length.
    /// Interim answers carry no Connection field. Ask `framing.towardsClient` first: HTTP/1.0 knows no chunks.
    package static func response(
        _ head: Head, framing: BodyFraming, minorVersion: UInt8, close: Bool, upgrade: Bool, to out: Buffer
    ) -> Bool {
        assert(framing != .chunked || minorVersion == 1, "an HTTP/1.0 client is sent no chunks")
        var sink = HeadSink(out)
        sink.put("HTTP/1.1 ")
        sink.put(decimal: UInt64(head.status))
        sink.put(" ")
        if head.reason.isEmpty {
            sink.put(StatusReason.of(Int(head.status)))
        } else {
            sink.put(head.storage + head.reason.start, count: head.reason.count)
        }
        sink.put("\r\n")
        var fields = FieldWriter(head: head, framing: framing, keepsLength: true, upgrade: upgrade, authority: nil)
        fields.write(to: &sink)
        if upgrade {
            sink.put("connection: upgrade\r\n")
        } else if head.status >= 200 {
            if close || framing == .untilClose {
                sink.put("connection: close\r\n")
            } else if minorVersion == 0 {
                sink.put("connection: keep-alive\r\n")
            }
        }
        sink.put("\r\n")
        return sink.commit(to: out)
    }

    // MARK: - Chunks

    /// Writes a chunk's size line. The chunk's bytes and then `chunkEnd` must follow. A size of 0 would end the body: use `lastChunk`.
    package static func chunkHeader(size: Int, to out: Buffer) -> Bool {
        precondition(size > 0, "an empty chunk would end the body")
        var sink = HeadSink(out)
        sink.put(hexadecimal: UInt64(size))
        sink.put("\r\n")
        return sink.commit(to: out)
    }

    /// What follows a chunk's bytes.
    package static let chunkEnd: StaticString = "\r\n"

    /// Writes what follows a chunk's bytes.
    package static func chunkEnd(to out: Buffer) -> Bool {
        var sink = HeadSink(out)
        sink.put(chunkEnd)
        return sink.commit(to: out)
    }

    /// The bytes that one chunk's framing takes at most: sixteen digits and two line ends.
    package static let chunkFramingBytesMax = 20

    /// Writes the last chunk and the trailers that were not removed.
    package static func lastChunk(trailers: Head?, to out: Buffer) -> Bool {
        var sink = HeadSink(out)
        sink.put("0\r\n")
        if let trailers {
            var fields = FieldWriter(head: trailers, framing: .none, keepsLength: false, upgrade: false, authority: nil)
            fields.write(to: &sink)
        }
        sink.put("\r\n")
        return sink.commit(to: out)
    }
}
