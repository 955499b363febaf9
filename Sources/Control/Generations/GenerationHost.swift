import Clusters
import Plan
import Proxy
import Routing
import Wire

/// Tables ready for the workers.
package struct Tables: Sendable {
    package var plan: Plan
    package var routes: RouteTable
    package var clusters: ClusterTable
    package var contexts = TLSContexts()
    /// From the tables that served before.
    package var difference: PlanDifference
}

/// What Control needs of those who serve: the proxy's workers, or a stand-in in tests. All calls are made on the main thread.
package protocol GenerationHost: AnyObject {
    /// How many workers acknowledge a generation.
    var workerCount: Int { get }
    /// Client connections open now, of all workers.
    var openConnections: Int { get }

    /// Hands tables to all workers, each of which installs them between two batches. Listening sockets are opened for new
    /// addresses and closed for gone ones.
    ///
    /// - Parameter onReleased: called once on the main thread, when no worker uses the tables any more.
    /// - Returns: what could not be listened on, a sentence each; the rest serves.
    func publish(_ tables: Tables, number: Int, onReleased: @escaping @Sendable () -> Void) -> [String]
    /// Workers that have installed this generation or a later one.
    func acknowledgements(of number: Int) -> Int

    /// Every answer from now on is its connection's last; accepting goes on.
    func beginDrain()
    /// Closes the listeners and ends the workers; what is open is cut.
    func stop()
}
