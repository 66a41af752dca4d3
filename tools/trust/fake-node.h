// As much of Node-API as the job queue calls, without Node: promises that remember how they ended,
// and a waker whose callback runs when the main thread waits.
#pragma once

#include <node_api.h>

#include <string>

namespace pstmo::trust {

napi_env fakeEnv();
// Runs the wakers' callbacks until every promise is settled.
void waitForPromises();
// How often promises were rejected with `code`; "" counts those that were fulfilled.
int settledWith(const std::string& code);

}  // namespace pstmo::trust
