using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>What a classifier with another number of classes does.</summary>
public enum OtherClassCount
{
    /// <summary>Its rows are taken by class name; where the file names no classes it is left out and keeps its initial weights.</summary>
    LeaveOut,

    /// <summary>It is an error.</summary>
    Fail,
}

/// <summary>How the classes of a file and of the data are brought together.</summary>
public enum ClassMatch
{
    /// <summary>By name, where the file gives names; otherwise as they stand, with a warning.</summary>
    ByName,

    /// <summary>As they stand, whatever they are called.</summary>
    InOrder,
}

/// <param name="Checkpoint">A .safetensors file (a checkpoint of a run, or weights alone), the index of several (.index.json), or a PyTorch
/// file (.pth, .pt, .th). A relative path starts at the working directory.</param>
/// <param name="Keys">Whose names the file uses: one of the backbone's key maps ("timm", "torchvision", "mmlab" …), or "own". Unset:
/// whichever fits most tensors.</param>
/// <param name="Prefix">Only tensors whose names begin so, without it. Unset: "module.", "model.", "student.", "backbone." and the like are
/// tried, in any nesting.</param>
/// <param name="Part">Which dictionary of a PyTorch file holds the weights, such as "state_dict_ema". Unset: the usual names are tried, in
/// any nesting.</param>
/// <param name="Weights">Where the file has averaged weights beside the trained ones: "averaged" or "trained".</param>
/// <param name="KeyMap">Regular expressions and their replacements, applied in order to every name after the prefix and before
/// <paramref name="Keys"/>: { "^features\\.": "layers." }. An empty name leaves the tensor out.</param>
/// <param name="Skip">Regular expressions; a tensor of this model whose name one of them fits keeps its initial weights: [ "^head\\."
/// ].</param>
/// <param name="MatchClasses">Whether the classifier's rows go to the classes of the same name, or stay in their order.</param>
/// <param name="OtherClassCount">What happens where the file's classifier has another number of classes.</param>
/// <param name="InputMode">"bgr" for weights that were trained on BGR images: the first convolution's input channels are swapped, so that
/// RGB images serve.</param>
/// <param name="Strict">Fail unless every tensor of the model is filled and every tensor of the file used.</param>
public sealed record PretrainedOptions(
    string Checkpoint,
    string? Keys = null,
    string? Prefix = null,
    string? Part = null,
    WeightChoice Weights = WeightChoice.Averaged,
    IReadOnlyDictionary<string, string>? KeyMap = null,
    IReadOnlyList<string>? Skip = null,
    ClassMatch MatchClasses = ClassMatch.ByName,
    OtherClassCount OtherClassCount = OtherClassCount.LeaveOut,
    ChannelOrder InputMode = ChannelOrder.Rgb,
    bool Strict = false
)
{
    // A pattern comes from a config; a slow one must not hang the run.
    private static readonly TimeSpan PatternTime = TimeSpan.FromSeconds(1);

    /// <exception cref="UserErrorException">A pattern is no regular expression, or takes too long.</exception>
    internal bool Skips(string name) =>
        Checked(() => Skip?.Any(pattern => Regex.IsMatch(name, pattern, RegexOptions.CultureInvariant, PatternTime)) ?? false);

    /// <exception cref="UserErrorException">A pattern is no regular expression, or takes too long.</exception>
    internal string Rename(string name) =>
        KeyMap is null
            ? name
            : Checked(() =>
                KeyMap.Aggregate(
                    name,
                    (renamed, entry) => Regex.Replace(renamed, entry.Key, entry.Value, RegexOptions.CultureInvariant, PatternTime)
                )
            );

    private static T Checked<T>(Func<T> match)
    {
        try
        {
            return match();
        }
        catch (RegexParseException error)
        {
            throw CheckpointErrors.BadPattern(error);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw CheckpointErrors.SlowPattern(error);
        }
    }
}

/// <summary>Weights from a file. Logs what was loaded, missing, unexpected and of the wrong shape.</summary>
[Component("Pretrained")]
public sealed class PretrainedInitializer(PretrainedOptions options) : Initializer
{
    public PretrainedOptions Options => options;

    public override void Initialize(nn.Module module, InitContext context)
    {
        var path = Path.Combine(context.BaseFolder, options.Checkpoint);
        if (context.Beside is { } folder && !File.Exists(path))
        {
            var moved = Path.Combine(folder, Path.GetFileName(path));
            path = File.Exists(moved) ? moved : throw CheckpointErrors.NoBase(path, moved);
        }
        var report = ForeignWeights.Load(module, path, options, context);
        Source = $"{Path.GetFileName(path)} (SHA-256 {Hash(report.Files)})";
        (Set, Exact) = (report.Loaded, report.Exact);
    }

    /// <summary>Of all files one after the other: of one file, what sha256sum prints.</summary>
    private static string Hash(IReadOnlyList<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var path in files)
        {
            using var file = File.OpenRead(path);
            for (var count = file.Read(buffer); count > 0; count = file.Read(buffer))
                hash.AppendData(buffer, 0, count);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
