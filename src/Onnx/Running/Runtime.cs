using Microsoft.ML.OnnxRuntime;
using Tessera.Framework.Errors;

namespace Tessera.Onnx.Running;

/// <summary>ONNX Runtime, with words for what goes wrong.</summary>
internal static class Runtime
{
    /// <summary>Opens a model.</summary>
    /// <param name="most">Threads within an operation; null: as ONNX Runtime chooses.</param>
    /// <param name="configure">Sets up further options.</param>
    /// <exception cref="UserErrorException">There is no ONNX Runtime for this system, no such file, or it can't be run.</exception>
    public static InferenceSession Open(string path, int? most = null, Action<Microsoft.ML.OnnxRuntime.SessionOptions>? configure = null)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"{path}\n  There is no such file.");
        try
        {
            using var settings = new Microsoft.ML.OnnxRuntime.SessionOptions();
            settings.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
            if (most is { } threads)
                settings.IntraOpNumThreads = threads;
            configure?.Invoke(settings);
            return new InferenceSession(path, settings);
        }
        catch (OnnxRuntimeException e)
        {
            throw new UserErrorException($"{path}\n  ONNX Runtime can't load it: {FirstLine(e.Message)}", e);
        }
        catch (Exception e)
            when (e is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw Missing(e);
        }
    }

    /// <summary>No native library of ONNX Runtime was found.</summary>
    internal static UserErrorException Missing(Exception? inner) =>
        new(
            "There is no ONNX Runtime for this system beside this program. It comes with the package Microsoft.ML.OnnxRuntime, or "
                + "Microsoft.ML.OnnxRuntime.Gpu for NVIDIA GPUs: add one of them to the program's project file.",
            inner
        );

    private static string FirstLine(string text) => text.Split('\n', 2)[0];
}
