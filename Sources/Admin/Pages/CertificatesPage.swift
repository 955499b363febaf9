import Control
import TLS

/// `/certs`: what TLS is made of, by server and cluster: certificates, until when, and what keeps one from serving. Paths and
/// public facts only, never a key. A context a piece.
struct CertificatesPage {
    let report: ContextReport
    /// Unix seconds.
    let now: Int64

    func pieces() -> () -> [UInt8]? {
        var json = JSONWriter()
        var next = -1
        let statuses = report.statuses
        return {
            defer { next += 1 }
            if next == -1 {
                json.open("{")
                json.key("contexts")
                json.open("[")
            } else if next < statuses.count {
                write(statuses[next], to: &json)
            } else if next == statuses.count {
                json.close("]")
                json.close("}")
            } else {
                return nil
            }
            return json.take()
        }
    }

    private func write(_ status: ContextStatus, to json: inout JSONWriter) {
        json.object { json in
            json.field("side", status.side.rawValue)
            json.field("owner", status.owner)
            json.field("at", status.origin)
            json.field("state", status.state.rawValue)
            if let trouble = status.trouble { json.field("problem", trouble) }
            list("warnings", status.warnings, to: &json)
            list("sources", status.sources, to: &json)
            json.key("certificates")
            json.array { json in for facts in status.certificates { write(facts, to: &json) } }
        }
    }

    private func write(_ facts: CertificateFacts, to json: inout JSONWriter) {
        json.object { json in
            json.field("chain", facts.chain.description)
            if let key = facts.key { json.field("key", key.description) }
            json.field("subject", facts.subject)
            json.key("names")
            json.object { json in
                list("uri", facts.names.uris, to: &json)
                list("dns", facts.names.dns, to: &json)
                list("ip", facts.names.addresses, to: &json)
            }
            json.field("serial", facts.serial)
            json.field("sha256", facts.hash)
            json.field("not_before", timestamp(facts.notBefore))
            json.field("not_after", timestamp(facts.notAfter))
            // Whole days, rounded down: -1 from the first second on that it is expired.
            let left = facts.notAfter - now
            json.field("days_left", left >= 0 ? left / 86_400 : (left + 1) / 86_400 - 1)
        }
    }

    private func list(_ name: String, _ values: [String], to json: inout JSONWriter) {
        json.key(name)
        json.array { json in for value in values { json.value(value) } }
    }

    private func timestamp(_ seconds: Int64) -> String {
        GenerationPage.timestamp(UInt64(clamping: seconds).multipliedReportingOverflow(by: 1000).partialValue)
    }
}

extension CertificatesPage {
    /// Certificates beyond this number have no gauge: a mesh has few files, and strangers' names no business here.
    private static let gaugesMax = 256

    /// Until when each certificate is valid, one series a side and file, and how many contexts are in each state.
    static func gauges(_ report: ContextReport) -> [LabelledGauge] {
        struct Place: Hashable {
            var side: ContextStatus.Side
            var file: String
        }
        var soonest: [Place: (owner: String, notAfter: Int64)] = [:]
        for status in report.statuses {
            for facts in status.certificates {
                let place = Place(side: status.side, file: facts.chain.description)
                let known = soonest[place]
                guard known != nil || soonest.count < gaugesMax else { continue }
                soonest[place] = (known?.owner ?? status.owner, min(known?.notAfter ?? .max, facts.notAfter))
            }
        }
        var expiry = LabelledGauge(
            name: "outrider_certificate_not_after_seconds",
            help: "When a certificate that is shown to peers expires, Unix time; of several owners the first is named.")
        for (place, value) in soonest.sorted(by: {
            ($0.key.file, $0.key.side.rawValue) < ($1.key.file, $1.key.side.rawValue)
        }) {
            expiry.samples.append(
                .init(
                    labels: [("owner", value.owner), ("side", place.side.rawValue), ("file", place.file)],
                    value: Int(value.notAfter)))
        }
        var states = LabelledGauge(
            name: "outrider_tls_contexts", help: "TLS settings of servers and clusters by how they fare.")
        for state in ContextStatus.State.allCases {
            states.samples.append(
                .init(labels: [("state", state.rawValue)], value: report.statuses.count { $0.state == state }))
        }
        return [expiry, states]
    }
}
