import Loop
import TLS
import Wire

/// What downstream and upstream connections share: a socket, bytes that wait for it, and the worker's write-combining buffer.
///
/// Writing goes through `write`: while nothing waits, bytes gather in the worker's one output buffer, so that a head and the
/// beginning of its body leave in one `send`; `flush` sends them. What the socket does not take waits in `pending`.
package class Connection: WorkerMember {
    /// TLS between this connection and its socket; nil: plain bytes.
    final var tls: TLSSession?
    /// Bytes that the socket did not take yet, as they go on the wire.
    final var pending = BufferQueue()
    /// Unconsumed input, nil while there is none: an idle connection holds no buffer.
    final var input: Buffer?
    /// Latched: the socket may have bytes to read.
    final var isReadable = false
    /// The peer will send no more, or the socket is broken: read on to the end.
    final var isHungUp = false
    /// A write failed: nothing more is sent, what can still be read is read.
    final var writeFailed = false
    final var isClosed = false
    /// A writer was told to pause and not yet to go on.
    final var pausedWriters = false
    /// When `pending` last shrank, monotonic milliseconds; 0 while nothing waits.
    final var stalledSince: UInt64 = 0

    init(worker: Worker, fd: Int32) {
        super.init(worker: worker)
        self.fd = fd
    }

    // MARK: - For subclasses

    /// Takes as many of these bytes as are of use now; returns how many. The rest is offered again.
    func consume(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.count }

    /// `pending` fell to the low mark after `write` had said to pause.
    func drained() {}

    /// The last pending byte left.
    func emptied() {}

    // MARK: - Writing

    /// Whether writers should pause.
    final var isFull: Bool { pending.count >= Limits.pendingHighBytes }

    /// Sends bytes after all that was written before. Returns false when the peer is slow and the writer should pause until
    /// `drained`.
    @discardableResult
    final func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !writeFailed, !isClosed, !bytes.isEmpty else { return true }
        if !pending.isEmpty {
            queue(bytes)
            return !isFull
        }
        let out = claimOutput()
        if bytes.count <= Self.combineBytesMax, out.room >= bytes.count {
            _ = out.append(bytes)
            return true
        }
        worker.outputOwner = nil
        sendNow(out.readable, bytes)
        out.consume(out.count)
        return !isFull
    }

    /// Whether what is in the worker's output buffer is this connection's.
    private final var ownsOutput: Bool { worker.outputOwner?.toOpaque() == Unmanaged.passUnretained(self).toOpaque() }

    /// The worker's output buffer, for heads that are assembled in place. What another connection left there is sent first.
    final func claimOutput() -> Buffer {
        assert(!isClosed, "a closed connection is not written to: it would be sent for after its end")
        if !ownsOutput {
            worker.flush()
            worker.outputOwner = Unmanaged.passUnretained(self)
        }
        return worker.output
    }

    /// Takes what was assembled in the claimed buffer: call after writing to it when bytes wait already.
    final func commitOutput() {
        if !pending.isEmpty || writeFailed { flush() }
    }

    /// Sends what gathered in the worker's output buffer, if it is this connection's.
    final func flush() {
        guard ownsOutput else { return }
        worker.outputOwner = nil
        let out = worker.output
        if !out.isEmpty, !writeFailed, !isClosed {
            if pending.isEmpty {
                sendNow(out.readable, UnsafeRawBufferPointer(start: nil, count: 0))
            } else {
                queue(out.readable)
            }
        }
        out.consume(out.count)
    }

    /// Writes of up to this size are copied to leave together; larger ones go by `sendmsg` from where they are.
    private static let combineBytesMax = 8 * 1024

    private func sendNow(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
        if let tls {
            encrypt(first, tls)
            encrypt(second, tls)
            sendCiphertext()
        } else {
            sendToSocket(first, second)
        }
    }

    /// Has bytes wait behind those that wait already.
    private func queue(_ bytes: UnsafeRawBufferPointer) {
        if let tls {
            encrypt(bytes, tls)
            sendCiphertext()
        } else {
            pending.append(bytes, pool: worker.buffers)
        }
    }

    /// Encrypts into the worker's buffer, which is sent whenever it is full.
    private func encrypt(_ bytes: UnsafeRawBufferPointer, _ tls: TLSSession) {
        var rest = bytes
        while !rest.isEmpty, !writeFailed {
            let taken = tls.encrypt(rest, into: worker.ciphertext)
            if taken < 0 || taken == 0 && worker.ciphertext.isEmpty { return failWriting() }
            countSent(taken)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            if !rest.isEmpty { sendCiphertext() }
        }
    }

    /// Sends what TLS made, or has it wait.
    final func sendCiphertext() {
        let out = worker.ciphertext
        guard !out.isEmpty else { return }
        if !writeFailed, !isClosed {
            if pending.isEmpty {
                sendToSocket(out.readable, UnsafeRawBufferPointer(start: nil, count: 0))
            } else {
                pending.append(out.readable, pool: worker.buffers)
            }
        }
        out.consume(out.count)
    }

    private func sendToSocket(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
        let total = first.count + second.count
        if total == 0 { return }
        var sent = second.isEmpty ? Socket.send(fd, first) : Socket.send(fd, first, second)
        if sent < 0 {
            guard sent == -Int(Errno.again) else { return failWriting() }
            sent = 0
        }
        if tls == nil { countSent(sent) }
        if sent == total { return }
        if sent < first.count {
            pending.append(UnsafeRawBufferPointer(rebasing: first[sent...]), pool: worker.buffers)
            pending.append(second, pool: worker.buffers)
        } else {
            pending.append(UnsafeRawBufferPointer(rebasing: second[(sent - first.count)...]), pool: worker.buffers)
        }
        stalledSince = worker.loop.now
        worker.loop.arm(self, deadline: min(deadline, stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds)))
    }

    /// Sends what waits as far as the socket takes it.
    final func sendPending() {
        var budget = Limits.turnBytesMax
        while budget > 0, let buffer = pending.head, !writeFailed, !isClosed {
            let sent = Socket.send(fd, buffer.readable)
            if sent < 0 {
                if sent == -Int(Errno.again) { break }
                return failWriting()
            }
            stalledSince = worker.loop.now
            if tls == nil { countSent(sent) }
            let all = sent == buffer.count
            pending.consume(sent, pool: worker.buffers)
            budget -= sent
            if !all { break }
        }
        if pending.isEmpty {
            stalledSince = 0
            emptied()
        } else if budget <= 0 {
            worker.loop.makeReady(self)
        }
        if pausedWriters, pending.count <= Limits.pendingLowBytes {
            pausedWriters = false
            drained()
        }
    }

    /// Nothing can be sent any more; the handler hears of it in a turn of its own.
    final func failWriting() {
        writeFailed = true
        pending.clear(pool: worker.buffers)
        stalledSince = 0
        // The end is noticed by reading, in a turn of its own: callers are in the middle of something.
        isReadable = true
        isHungUp = true
        worker.loop.makeReady(self)
    }

    /// Ends our half; what was written before still arrives. Called when nothing is pending.
    final func endSending() {
        if let tls {
            _ = tls.close(output: worker.ciphertext)
            sendCiphertext()
        }
        _ = Socket.shutdownWrite(fd)
    }

    // MARK: - Reading

    /// Reads once, and lets go of the latch when the socket is empty. As `Socket.receive` answers: bytes, 0 for the peer's end, a
    /// negative error number.
    final func receive(into target: UnsafeMutableRawBufferPointer) -> Int {
        guard let tls else {
            let count = Socket.receive(fd, into: target)
            if count > 0, count < target.count, !isHungUp { isReadable = false }
            countReceived(count)
            return count
        }
        var count = tls.receive(into: target, output: worker.ciphertext)
        sendCiphertext()
        // Records without plaintext (tickets) may have been all of one read: the end behind them has no event of its own.
        var triesLeft = 2
        while count == -Int(Errno.again), triesLeft > 0, tls.hasBuffered || isHungUp && !writeFailed {
            triesLeft -= 1
            count = tls.receive(into: target, output: worker.ciphertext)
            sendCiphertext()
        }
        if count > 0, !tls.hasBuffered, !isHungUp { isReadable = false }
        countReceived(count)
        return count
    }

    /// Where the next bytes go: behind the input that waits, or to the worker's scratch memory.
    final func readTarget() -> UnsafeMutableRawBufferPointer {
        guard let waiting = input, !waiting.isEmpty else { return worker.readScratch }
        if waiting.room < Limits.bufferBytes / 4 {
            if waiting.start > 0 {
                waiting.compact()
            } else if waiting.capacity < Limits.scratchBytes {
                let larger = worker.buffers.take(capacity: Limits.scratchBytes)
                _ = larger.append(waiting.readable)
                worker.buffers.give(waiting)
                input = larger
                return larger.writable
            }
        }
        return waiting.writable
    }

    /// `count` bytes were read into `readTarget()`: they are consumed, and what is not is kept.
    final func received(_ target: UnsafeMutableRawBufferPointer, _ count: Int) {
        if let waiting = input, !waiting.isEmpty {
            waiting.end += count
            return consumeInput()
        }
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[..<count])
        let taken = consume(bytes)
        if taken < count, !isClosed {
            releaseInput()
            keep(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
        }
    }

    /// Consumes what was kept.
    final func consumeInput() {
        while let waiting = input, !waiting.isEmpty, !isClosed {
            let taken = consume(waiting.readable)
            if isClosed { return }
            if taken == 0 { break }
            waiting.consume(taken)
        }
        if !isClosed { releaseInput() }
    }

    /// Keeps unconsumed bytes of the scratch memory.
    private func keep(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        if input == nil { input = worker.buffers.take(capacity: bytes.count) }
        let kept = input!.append(bytes)
        precondition(kept == bytes.count, "the input buffer is taken large enough for one read")
    }

    /// Gives the input buffer back when nothing is in it.
    private func releaseInput() {
        if let buffer = input, buffer.isEmpty {
            input = nil
            worker.buffers.give(buffer)
        }
    }

    // MARK: - Counting

    /// Bytes of the peer's protocol: what TLS adds is not among them.
    @inline(__always)
    private final func countReceived(_ count: Int) {
        if count > 0 { worker.metrics.add(isUpstream ? .upstreamBytesReceived : .downstreamBytesReceived, count) }
    }

    @inline(__always)
    private final func countSent(_ count: Int) {
        worker.metrics.add(isUpstream ? .upstreamBytesSent : .downstreamBytesSent, count)
    }

    // MARK: - Changing hands

    /// Takes over the socket of a connection whose protocol was found out, with all that belongs to it: TLS, what waits to be sent,
    /// what was read and not consumed.
    final func takeOver(_ old: Connection) {
        tls = old.tls
        old.tls = nil
        swap(&pending, &old.pending)
        swap(&input, &old.input)
        isReadable = old.isReadable
        isHungUp = old.isHungUp
        writeFailed = old.writeFailed
        stalledSince = old.stalledSince
        if old.ownsOutput { worker.outputOwner = Unmanaged.passUnretained(self) }
        worker.loop.transfer(from: old, to: self)
        old.isClosed = true
    }

    // MARK: - Ending

    /// Closes the socket and gives all buffers back. The object lives until the batch's end. `withReset`: where an end would look
    /// like the end of a body, the peer sees a reset.
    final func closeSocket(withReset: Bool = false) {
        guard !isClosed else { return }
        flush()
        if let tls, pending.isEmpty, !writeFailed, !withReset {
            _ = tls.close(output: worker.ciphertext)
            sendCiphertext()
        }
        isClosed = true
        tls = nil
        worker.loop.deregister(self, willClose: true)
        _ = withReset ? Socket.resetClose(fd) : Socket.close(fd)
        pending.clear(pool: worker.buffers)
        if let buffer = input {
            input = nil
            worker.buffers.give(buffer)
        }
    }
}
