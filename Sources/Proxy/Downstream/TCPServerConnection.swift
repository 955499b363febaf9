import HTTP1
import Loop
import Plan
import Telemetry
import Wire

/// A client whose bytes are passed on as they are: one exchange for the connection's life.
final class TCPServerConnection: ServerConnection {
    private var exchange: Exchange?
    private var isPaused = false
    private var inputEnded = false
    private var answerEnded = false
    private var closesWhenEmpty = false

    override func begin() {
        let position = worker.listenerPosition(client.listenerID)
        let chain = worker.chain(of: client)
        guard position >= 0, chain >= 0, worker.listeners.chains[chain].tcpRoute >= 0 else { return end() }
        let running = worker.takeExchange()
        exchange = running
        isReadable = true
        worker.loop.makeReady(self)
        running.beginTCP(
            self, route: worker.listeners.tcpRoutes[worker.listeners.chains[chain].tcpRoute], listener: position)
    }

    // MARK: - Events

    override func onEvents(_ events: Events) {
        if events.contains(.readable) { isReadable = true }
        if events.contains(.hangup) || events.contains(.error) {
            isHungUp = true
            isReadable = true
            // Both halves may have ended in peace (EPOLLHUP): what waits is read then.
            if events.contains(.error), Socket.pendingError(fd) != 0 { return abort(.disconnected) }
        }
        if events.contains(.writable), !pending.isEmpty { sendPending() }
        serve()
    }

    override func onReady() {
        if !pending.isEmpty { sendPending() }
        serve()
    }

    private func serve() {
        guard !isClosed else { return }
        if writeFailed { return abort(.disconnected) }
        var budget = Limits.turnBytesMax
        while isReadable, !isPaused, !inputEnded, !isClosed, let running = exchange {
            if budget <= 0 {
                worker.loop.makeReady(self)
                break
            }
            let count = receive(into: worker.readScratch)
            if count == -Int(Errno.again) {
                isReadable = false
                break
            }
            if count < 0 { return abort(.disconnected) }
            if count == 0 {
                inputEnded = true
                running.requestEnd(trailers: nil)
                break
            }
            budget -= count
            running.requestData(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(worker.readScratch)[..<count]))
        }
        if !isClosed { worker.flush() }
    }

    override func onDeadline() {
        guard !isClosed, stalledSince != 0 else { return }
        let limit = stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds)
        guard worker.loop.now >= limit else { return worker.loop.arm(self, deadline: limit) }
        worker.metrics.add(.downstreamWriteStalls)
        abort(.timedOut)
    }

    // MARK: - Commands

    override func sendData(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        let goesOn = write(bytes)
        if !goesOn { pausedWriters = true }
        return goesOn
    }

    override func sendEnd(_ stream: UInt32, trailers: Head?) {
        answerEnded = true
        flush()
        if pending.isEmpty, !isClosed { endSending() }
    }

    override func reset(_ stream: UInt32, _ reason: ResetReason) {
        exchange = nil
        endWhenEmpty()
    }

    override func pause(_ stream: UInt32) { isPaused = true }

    override func resume(_ stream: UInt32) {
        guard isPaused else { return }
        isPaused = false
        worker.loop.makeReady(self)
    }

    override func exchangeEnded(_ stream: UInt32) {
        exchange = nil
        endWhenEmpty()
    }

    override func drained() { exchange?.downstreamDrained() }

    override func emptied() {
        if closesWhenEmpty {
            end()
        } else if answerEnded {
            endSending()
        }
    }

    // MARK: - Ending

    override func abandon() { abort(.aborted) }

    private func abort(_ reason: ResetReason) {
        if let running = exchange {
            exchange = nil
            running.requestReset(reason)
        }
        end()
    }

    private func end() {
        guard !isClosed else { return }
        closeSocket()
        worker.remove(self)
    }

    private func endWhenEmpty() {
        flush()
        if pending.isEmpty || writeFailed { end() } else { closesWhenEmpty = true }
    }
}
