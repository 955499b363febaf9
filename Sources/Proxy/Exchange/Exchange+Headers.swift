import Clusters
import HTTP1
import Plan
import Routing
import Telemetry
import Wire

// What the proxy does to heads of its own accord, as Envoy does under Istio's settings.
extension Exchange {
    /// Checks and cleans the request's head before anything decides by it. False: it was answered.
    func sanitise(_ connection: ServerConnection) -> Bool {
        let head = requestHead
        if head.method == .connect, !admitConnect() { return false }
        guard !head.path.isEmpty else { return refuse(404, "missing_path_rejected") }
        guard head.bytes(head.path)[0] == UInt8(ascii: "/") else { return refuse(404, "absolute_path_rejected") }
        guard !head.authority.isEmpty else { return refuse(400, "missing_host_header") }
        guard PathNormalizer.normalize(head, mode: worker.pathNormalization) else {
            return refuse(400, "path_normalization_failed")
        }
        upgradeAsked = askedUpgrade(head)
        if upgradeAsked == nil, !head.connectProtocol.isEmpty { return refuse(501, "upgrade_failed") }
        HopByHop.strip(head, keepingUpgrade: upgradeAsked != nil)
        head.removeAll(.http2Settings)
        if head.has(.xEnvoy) { stripEnvoyFields() }
        forwardCertificate(connection.client)
        if role == .gateway { sanitiseAtGateway(connection) } else { sanitiseInMesh(connection) }
        return true
    }

    private func refuse(_ status: Int, _ why: StaticString) -> Bool {
        outcome = Outcome(.client, .head, .malformed)
        details = why
        reply(status: status, body: "")
        return false
    }

    private func sanitiseAtGateway(_ connection: ServerConnection) {
        let head = requestHead
        let trusted = worker.trustedProxies
        if trusted == 0 || !head.has(.xForwardedProto) {
            head.setField(.xForwardedProto, value: head.append(connection.client.isTLS ? "https" : "http"))
        }
        head.schemeIsHTTPS = forwardedProtoIsHTTPS(head)
        let peer = connection.client.remoteHostText
        head.appendForwardedFor(peer)
        head.appendField(name: head.append("x-envoy-external-address"), value: head.append(peer), id: .xEnvoy)
        makeRequestID()
    }

    private func sanitiseInMesh(_ connection: ServerConnection) {
        let head = requestHead
        if !head.has(.xForwardedProto) {
            head.appendField(.xForwardedProto, value: head.append(connection.client.isTLS ? "https" : "http"))
        }
        head.schemeIsHTTPS = forwardedProtoIsHTTPS(head)
        if let value = head.value(of: .xRequestID), !value.isEmpty { return }
        makeRequestID()
    }

    private func forwardedProtoIsHTTPS(_ head: Head) -> Bool {
        guard let value = head.value(of: .xForwardedProto), value.count == 5 else { return false }
        return head.bytes(value).elementsEqual("https".utf8)
    }

    /// A fresh random one, in place of what came.
    private func makeRequestID() {
        let head = requestHead
        let worker = worker
        withUnsafeTemporaryAllocation(byteCount: RequestID.bytes, alignment: 8) { text in
            RequestID.write(worker.random.next(), worker.random.next(), to: text)
            head.setField(.xRequestID, value: head.append(UnsafeRawBufferPointer(text)))
        }
    }

    /// No client is internal: what steers Envoy's router is taken off.
    private func stripEnvoyFields() {
        let head = requestHead
        for index in 0..<head.fieldCount where head.fields[index].id == .xEnvoy && !head.fields[index].isRemoved {
            if EnvoyFields.isStripped(head.bytes(head.fields[index].name), atGateway: role == .gateway) {
                head.fields[index].isRemoved = true
            }
        }
    }

    // MARK: - Towards the endpoint

    /// Applies the route's edits once, before the first attempt.
    func prepareHead(_ use: GenerationUse) {
        if route.editsRequest {
            use.routes.applyRequest(decision, to: requestHead, context: formatContext(nil))
        }
    }

    /// The fields that change with each attempt.
    func setAttemptHeaders() {
        let head = requestHead
        head.setEnvoyField(EnvoyFields.attemptCount, to: LocalReply.appendNumber(UInt64(attempts), to: head))
        guard route.timeoutMilliseconds > 0 else { return }
        let now = worker.loop.now
        let left =
            routeDeadline == .max ? UInt64(route.timeoutMilliseconds) : routeDeadline > now ? routeDeadline - now : 1
        head.setEnvoyField(EnvoyFields.expectedTimeout, to: LocalReply.appendNumber(left, to: head))
    }

    // MARK: - Towards the client

    /// Cleans an endpoint's answer and adds the proxy's fields.
    func prepareAnswer(_ head: Head) {
        HopByHop.strip(head, keepingUpgrade: head.status == 101)
        if isRequestComplete {
            let now = worker.loop.nowNanoseconds
            let waited = now > requestCompleteNanoseconds ? (now - requestCompleteNanoseconds) / 1_000_000 : 0
            upstreamServiceMilliseconds = Int(waited)
            head.removeAll(named: EnvoyFields.serviceTimeName)
            head.appendField(
                name: head.append(EnvoyFields.serviceTime), value: LocalReply.appendNumber(waited, to: head),
                id: .xEnvoy)
        }
        if let use, route.editsResponse {
            use.routes.applyResponse(decision, to: head, request: requestHead, context: formatContext(head))
        }
        addServerFields(head)
    }

    /// `server` as Istio sets it, and `date` where there is none.
    func addServerFields(_ head: Head) {
        answerHeadBytes = head.storageUsed
        head.setField(.server, value: head.append(role == .gateway || role == .inbound ? "istio-envoy" : "envoy"))
        if !head.has(.date) { head.appendField(.date, value: head.append(worker.dateText())) }
    }
}

extension Head {
    /// Sets a field of the `x-envoy-` family.
    fileprivate func setEnvoyField(_ name: StaticString, to value: Slice) {
        let spelling = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        if has(.xEnvoy), let index = firstIndex(named: spelling) {
            fields[index].value = value
        } else {
            appendField(name: append(name), value: value, id: .xEnvoy)
        }
    }
}

/// Names of `x-envoy-` fields.
enum EnvoyFields {
    static let attemptCount: StaticString = "x-envoy-attempt-count"
    static let expectedTimeout: StaticString = "x-envoy-expected-rq-timeout-ms"
    static let serviceTime: StaticString = "x-envoy-upstream-service-time"
    static var serviceTimeName: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: serviceTime.utf8Start, count: serviceTime.utf8CodeUnitCount)
    }

    /// Behind `x-envoy-`: always removed on arrival.
    private static let stripped: [StaticString] = [
        "internal", "retriable-status-codes", "retriable-header-names", "retry-on", "retry-grpc-on", "max-retries",
        "upstream-alt-stat-name", "upstream-rq-timeout-ms", "upstream-rq-per-try-timeout-ms",
        "upstream-rq-timeout-alt-response", "expected-rq-timeout-ms", "force-trace", "ip-tags", "original-url",
        "hedge-on-per-try-timeout",
    ]
    /// Removed by gateways as well. `external-address` is overwritten there.
    private static let strippedAtGateway: [StaticString] = [
        "decorator-operation", "downstream-service-cluster", "downstream-service-node", "original-path",
        "original-host", "external-address",
    ]

    static func isStripped(_ name: UnsafeRawBufferPointer, atGateway: Bool) -> Bool {
        guard name.count > 8 else { return false }
        let rest = UnsafeRawBufferPointer(rebasing: name[8...])
        return contains(stripped, rest) || (atGateway && contains(strippedAtGateway, rest))
    }

    private static func contains(_ names: [StaticString], _ bytes: UnsafeRawBufferPointer) -> Bool {
        names.contains { name in
            guard name.utf8CodeUnitCount == bytes.count, let base = bytes.bindMemory(to: UInt8.self).baseAddress else {
                return false
            }
            return equalIgnoringCase(base, name.utf8Start, count: bytes.count)
        }
    }
}
