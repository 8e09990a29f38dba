namespace Tessera.Onnx.Export;

/// <summary>How a model is written as ONNX.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The oldest and the newest opset that is written.</summary>
    public const int OldestOpset = 13,
        NewestOpset = 21;

    /// <summary>Which release of ONNX's operations the file uses: 17 is read by all that is in use; 18 adds smooth resizing.</summary>
    public int Opset { get; init; } = 17;

    /// <summary>Sides of the images that the file leaves open; the others are as <see cref="Size"/> says, and one image.</summary>
    public OpenSides Open { get; init; }

    /// <summary>Height and width of the model's input; unset: what the pipeline makes of every image.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>The graph takes pixels of any size, uint8 [B, H, W, 3], and resizes and normalises them itself.</summary>
    public bool WithPreprocessing { get; init; }

    /// <summary>The graph gives what is predicted: probabilities, classes of pixels, or boxes after suppression.</summary>
    public bool WithPostprocessing { get; init; }

    /// <summary>Modules whose outputs the file gives, too, by their names in the model.</summary>
    public IReadOnlyList<string> Taps { get; init; } = [];
}
