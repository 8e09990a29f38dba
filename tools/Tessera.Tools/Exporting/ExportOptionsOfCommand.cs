using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Onnx.Export;

namespace Tessera.Tools.Exporting;

/// <summary>Options of <c>tools/export</c> that say what the file is to be.</summary>
internal sealed class ExportOptionsOfCommand
{
    private readonly Option<int> _opset = new("--opset")
    {
        Description =
            $"Release of ONNX's operations, {OnnxExportOptions.OldestOpset} to {OnnxExportOptions.NewestOpset}. 18 and later resize "
            + "smoothly. Default: 17.",
        HelpName = "N",
        DefaultValueFactory = _ => 17,
    };

    private readonly Option<string?> _dynamic = new("--dynamic")
    {
        Description = "What of the input stays open: batch, size, or batch,size. By default one image of one size.",
        HelpName = "SIDES",
    };

    private readonly Option<string?> _size = new("--size")
    {
        Description = "The input's size, HEIGHTxWIDTH, where the pipeline makes images of several sizes, or in place of its own.",
        HelpName = "HxW",
    };

    private readonly Option<bool> _before = new("--with-preprocessing")
    {
        Description = "The graph takes pixels, uint8 [B, H, W, 3], and resizes and normalises them.",
    };

    private readonly Option<bool> _after = new("--with-postprocessing")
    {
        Description = "The graph gives probabilities, classes of pixels, or boxes after suppression.",
    };

    private readonly Option<string[]> _taps = new("--taps")
    {
        Description = "Modules whose outputs the file gives, too.",
        HelpName = "NAME,…",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _verify = new("--verify")
    {
        Description =
            "Run the file by ONNX Runtime beside the model, stage by stage, on real images; exit code 4 where a stage differs by more "
            + "than 1e-4 of its largest value.",
    };

    private readonly Option<string?> _images = new("--images")
    {
        Description = "With --verify: an image or a folder of them; by default the first images of the config's test or val data.",
        HelpName = "PATH",
    };

    public IEnumerable<Option> All => [_opset, _dynamic, _size, _before, _after, _taps, _verify, _images];

    public OnnxExportOptions Read(ParseResult parsed) =>
        new()
        {
            Opset = parsed.GetValue(_opset),
            Open = ExportArguments.Open(parsed.GetValue(_dynamic)),
            Size = ExportArguments.Size(parsed.GetValue(_size)),
            WithPreprocessing = parsed.GetValue(_before),
            WithPostprocessing = parsed.GetValue(_after),
            Taps = ExportArguments.Names(parsed.GetRequiredValue(_taps)),
        };

    /// <summary>Whether the file is run, and on what.</summary>
    /// <exception cref="UserErrorException">Images are named for nothing.</exception>
    public (bool Verify, string? Images) Verification(ParseResult parsed)
    {
        var (verify, images) = (parsed.GetValue(_verify), parsed.GetValue(_images));
        return images is null || verify
            ? (verify, images)
            : throw new UserErrorException("--images says on what --verify runs; give both.");
    }
}
