import HTTP1
import Telemetry

extension WorkerMetrics {
    /// Counts a fault of a head by its reason. Heads' faults are numbered first, bodies' behind them.
    func add(_ counter: ReasonCounter, _ fault: HeadFault) { add(counter, reason: Int(fault.rawValue)) }

    /// Counts a fault of a body by its reason.
    func add(_ counter: ReasonCounter, _ fault: BodyFault) {
        add(counter, reason: HeadFault.allCases.count + Int(fault.rawValue))
    }
}
