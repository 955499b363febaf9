import HTTP1
import Routing
import Telemetry
import Wire

// Copies to mirrors: made once, when the first attempt has an endpoint.
extension Exchange {
    var hasMirrors: Bool { !mirrors.isEmpty }

    func startMirrors(_ use: GenerationUse) {
        guard !route.mirrors.isEmpty, requestHead.method != .connect else { return }
        for index in route.mirrors.indices {
            let mirror = use.routes.mirror(index)
            guard mirror.cluster >= 0, mirror.fires(draw: draw) else { continue }
            guard worker.mirrorsActive < Limits.mirrorsActiveMax else {
                worker.metrics.add(.mirrorsDropped)
                continue
            }
            let copy = MirrorCopy(worker: worker, head: mirrorHead())
            worker.insert(copy)
            let end = endsWithHead
            let isStarted = copy.start(
                cluster: Int(mirror.cluster), of: use, framing: requestFraming, end: end, tee: tee,
                timeoutMilliseconds: Int(route.timeoutMilliseconds))
            if isStarted, !end, copy.pump(isComplete: isRequestComplete, trailers: requestTrailers) {
                mirrors.append(copy)
            }
        }
        // The copies took what gathered for the primary; it leaves first.
        worker.flush()
    }

    /// The request's head after all edits, marked as a copy.
    private func mirrorHead() -> Head {
        let head = requestHead.copy()
        head.appendField(name: head.append("x-envoy-internal"), value: head.append("true"), id: .xEnvoy)
        if let own = downstream?.client.localHostText { head.appendForwardedFor(own) }
        return head
    }

    func pumpMirrors() {
        guard !mirrors.isEmpty else { return }
        // A copy that is cut frees its connection, which may lead back here: nothing holds the list meanwhile.
        var someEnded = false
        for mirror in mirrors where !mirror.pump(isComplete: isRequestComplete, trailers: requestTrailers) {
            someEnded = true
        }
        if someEnded { mirrors.removeAll(where: \.isFinished) }
    }

    func endMirrors() {
        for mirror in mirrors { mirror.primaryEnded(isRequestComplete: isRequestComplete) }
        mirrors.removeAll(keepingCapacity: true)
    }
}
