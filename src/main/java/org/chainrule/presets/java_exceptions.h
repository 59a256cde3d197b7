// Converts C++ exceptions to Java exceptions. Only the generated JNI code includes this file.
#pragma once
#include <jni.h>

#include <new>
#include <stdexcept>

namespace chainrule {

/// Returns the exception that a custom operation threw, if it caused the core's exception; otherwise null.
inline jthrowable custom_failure(JNIEnv* env) {
  jclass type = env->FindClass("org/chainrule/CustomOperations");
  if (type == nullptr) return nullptr;
  jmethodID take = env->GetStaticMethodID(type, "takeFailure", "()Ljava/lang/Throwable;");
  if (take == nullptr) return nullptr;
  jobject failure = env->CallStaticObjectMethod(type, take);
  return env->ExceptionCheck() ? nullptr : static_cast<jthrowable>(failure);
}

/// Returns the Java exception for `e`. Returns null if creating it failed, with the JVM's exception pending.
inline jthrowable java_exception(JNIEnv* env, const std::exception& e, jstring message) {
  jthrowable failure = custom_failure(env);
  if (failure != nullptr || env->ExceptionCheck()) return failure;
  const char* name = "org/chainrule/ChainruleException";
  // These two logic errors come from the standard library and mean a failure in our code, not in the caller's.
  const bool internal = dynamic_cast<const std::out_of_range*>(&e) != nullptr ||
                        dynamic_cast<const std::length_error*>(&e) != nullptr;
  if (dynamic_cast<const std::invalid_argument*>(&e) != nullptr) {
    name = "java/lang/IllegalArgumentException";
  } else if (dynamic_cast<const std::logic_error*>(&e) != nullptr && !internal) {
    name = "java/lang/IllegalStateException";
  } else if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr) {
    message = env->NewStringUTF("not enough native memory");
  }
  if (env->ExceptionCheck()) return nullptr;
  jclass type = env->FindClass(name);
  if (type == nullptr) return nullptr;
  jmethodID constructor = env->GetMethodID(type, "<init>", "(Ljava/lang/String;)V");
  if (constructor == nullptr) return nullptr;
  return static_cast<jthrowable>(env->NewObject(type, constructor, message));
}

}  // namespace chainrule

// JavaCPP creates the message of the exception `e` with the statement
//   JavaCPP_createStringFromBytes(env, e.GENERIC_EXCEPTION_TOSTRING);
// and then always throws the class in the method's `throws` clause. This macro ends the statement and returns our
// exception instead.
#define GENERIC_EXCEPTION_TOSTRING \
  what());                         \
  return chainrule::java_exception(env, e, str
