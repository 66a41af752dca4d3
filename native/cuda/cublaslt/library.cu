#include "library.h"

#include <device/library-mark.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace pstmo::cuda::lt {
namespace {

using std::filesystem::path;

#if defined(_WIN32)
const char* const kNames[] = {"cublasLt64_13.dll", "cublasLt64_12.dll"};
const char* const kToolkitFolders[] = {"bin/x64", "bin"};
const char* const kPythonFolders[] = {"Lib/site-packages"};
const char* const kWheelFolders[] = {"nvidia/cu13/bin/x86_64", "nvidia/cu13/bin",
                                     "nvidia/cublas/bin"};

void* openFile(const std::string& file, std::string& reason) {
  void* library = LoadLibraryA(file.c_str());
  if (library == nullptr) reason = "error " + std::to_string(GetLastError());
  return library;
}
void* symbolOf(void* library, const std::string& name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name.c_str()));
}
#else
const char* const kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
const char* const kToolkitFolders[] = {"lib64", "targets/x86_64-linux/lib",
                                       "targets/sbsa-linux/lib"};
const char* const kPythonFolders[] = {"lib"};
const char* const kWheelFolders[] = {"nvidia/cu13/lib", "nvidia/cublas/lib"};

void* openFile(const std::string& file, std::string& reason) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) reason = dlerror();
  return library;
}
void* symbolOf(void* library, const std::string& name) { return dlsym(library, name.c_str()); }
#endif

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? text : "";
}

// Folders "python3.12/site-packages" under each folder of libraries of a Python environment.
std::vector<path> sitePackages(const path& environment) {
  std::vector<path> found;
  std::error_code ignored;
  for (const char* folder : kPythonFolders) {
    if (path(folder).filename() == "site-packages") {
      found.push_back(environment / folder);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(environment / folder, ignored)) {
      if (entry.path().filename().string().rfind("python3", 0) == 0)
        found.push_back(entry.path() / "site-packages");
    }
  }
  return found;
}

std::vector<std::string> places() {
  std::vector<path> folders;
  std::error_code ignored;
  for (const std::string& toolkit :
       {variable("CUDA_PATH"), variable("CUDA_HOME"), std::string("/usr/local/cuda")}) {
    if (toolkit.empty()) continue;
    for (const char* folder : kToolkitFolders) folders.push_back(path(toolkit) / folder);
  }
  const std::string home = variable("HOME");
  for (const std::string& environment : {variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"),
                                         home.empty() ? home : home + "/.local"}) {
    if (environment.empty()) continue;
    for (const path& packages : sitePackages(environment)) {
      for (const char* folder : kWheelFolders) folders.push_back(packages / folder);
    }
  }
  std::vector<std::string> files;
  for (const path& folder : folders) {
    for (const char* name : kNames) {
      if (std::filesystem::exists(folder / name, ignored))
        files.push_back((folder / name).string());
    }
  }
  files.insert(files.end(), std::begin(kNames), std::end(kNames));
  return files;
}

template <typename Function>
bool bind(void* library, const char* name, Function& function, std::string& reason) {
  function = reinterpret_cast<Function>(symbolOf(library, std::string("cublasLt") + name));
  if (function == nullptr) reason = std::string("it has no function cublasLt") + name;
  return function != nullptr;
}

bool bindAll(void* library, Functions& f, std::string& reason) {
  if (symbolOf(library, kLibraryMark) == nullptr) {
    reason = kWithoutMark;
    return false;
  }
  return bind(library, "GetVersion", f.GetVersion, reason) &&
         bind(library, "GetStatusString", f.GetStatusString, reason) &&
         bind(library, "Create", f.Create, reason) && bind(library, "Destroy", f.Destroy, reason) &&
         bind(library, "MatmulDescCreate", f.MatmulDescCreate, reason) &&
         bind(library, "MatmulDescDestroy", f.MatmulDescDestroy, reason) &&
         bind(library, "MatmulDescSetAttribute", f.MatmulDescSetAttribute, reason) &&
         bind(library, "MatrixLayoutCreate", f.MatrixLayoutCreate, reason) &&
         bind(library, "MatrixLayoutDestroy", f.MatrixLayoutDestroy, reason) &&
         bind(library, "MatmulPreferenceCreate", f.MatmulPreferenceCreate, reason) &&
         bind(library, "MatmulPreferenceDestroy", f.MatmulPreferenceDestroy, reason) &&
         bind(library, "MatmulPreferenceSetAttribute", f.MatmulPreferenceSetAttribute, reason) &&
         bind(library, "MatmulAlgoGetHeuristic", f.MatmulAlgoGetHeuristic, reason) &&
         bind(library, "Matmul", f.Matmul, reason);
}

}  // namespace

std::string Library::version() const {
  const size_t number = functions.GetVersion();
  return std::to_string(number / 10000) + "." + std::to_string(number % 10000 / 100) + "." +
         std::to_string(number % 100);
}

Search findLibrary(const std::string& named) {
  static std::mutex mutex;
  static std::map<std::string, Library> opened;
  const std::lock_guard<std::mutex> lock(mutex);
  const std::string only = named.empty() ? variable("PSTMO_CUBLASLT") : named;
  std::string tried;
  for (const std::string& file : only.empty() ? places() : std::vector<std::string>{only}) {
    if (const auto at = opened.find(file); at != opened.end()) return {&at->second, ""};
    std::string reason;
    Library library{file};
    void* handle = openFile(file, reason);
    if (handle != nullptr && bindAll(handle, library.functions, reason))
      return {&opened.emplace(file, library).first->second, ""};
    tried += (tried.empty() ? "" : "; ") + file + ": " + reason;
  }
  return {nullptr, tried};
}

}  // namespace pstmo::cuda::lt
