namespace Tessera.Onnx;

/// <summary>How an <see cref="OnnxPredictor"/> works.</summary>
public sealed record OnnxPredictorOptions
{
    /// <summary>Threads within an operation; unset: as ONNX Runtime chooses.</summary>
    public int? Threads { get; init; }

    /// <summary>Detectors: only boxes that score more, of those that the file gives.</summary>
    public double? ScoreThr { get; init; }

    /// <summary>Sets up further options of ONNX Runtime: an execution provider, say.</summary>
    public Action<Microsoft.ML.OnnxRuntime.SessionOptions>? Configure { get; init; }
}
