import HTTP1
import HTTP2
import TLS
import Telemetry

extension WorkerMetrics {
    /// Counts a fault of a head by its reason. Heads' faults are numbered first, bodies' behind them.
    func add(_ counter: ReasonCounter, _ fault: HeadFault) { add(counter, reason: Int(fault.rawValue)) }

    /// Counts a fault of a body by its reason.
    func add(_ counter: ReasonCounter, _ fault: BodyFault) {
        add(counter, reason: HeadFault.allCases.count + Int(fault.rawValue))
    }
}

extension WorkerMetrics {
    func add(_ counter: ReasonCounter, _ fault: TLSFault) { add(counter, reason: Int(fault.rawValue)) }
    func add(_ counter: ReasonCounter, _ fault: HTTP2Fault) { add(counter, reason: Int(fault.rawValue)) }
}
