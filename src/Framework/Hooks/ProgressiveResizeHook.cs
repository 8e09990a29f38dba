using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Running;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <param name="InitialScale">The sides at the beginning, as a fraction of the pipeline's.</param>
/// <param name="Delay">The part of the run that is trained at these sides.</param>
/// <param name="Finetune">The part at the end that is trained at the pipeline's own.</param>
/// <param name="Multiple">Sides are rounded to a multiple of this, in pixels: the last map's stride, for one.</param>
public sealed record ProgressiveResizeHookOptions(
    [property: Range(0.1, 1.0)] double InitialScale = 0.5,
    [property: Range(0.0, 1.0)] double Delay = 0.5,
    [property: Range(0.0, 1.0)] double Finetune = 0.2,
    [property: Range(1, 512)] int Multiple = 8
);

/// <summary>
/// Trains on smaller images first, which costs less: sides grow in a straight line between the <c>delay</c> and the
/// <c>finetune</c> part of the run. Evaluations see the pipeline's size. For classes and values of whole images, and for segmentation
/// maps; not for boxes.
/// </summary>
/// <remarks>Howard, "Training Imagenet in 3 hours for USD 25", 2018, fast.ai; the options are those of MosaicML's Composer. Each pixel is the
/// mean of those that it covers.</remarks>
[Component("ProgressiveResizeHook")]
public sealed class ProgressiveResizeHook : Hook
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly ProgressiveResizeHookOptions _options;
    private (int Height, int Width) _told;

    /// <exception cref="UserErrorException">The parts are longer than the run.</exception>
    public ProgressiveResizeHook(ProgressiveResizeHookOptions options)
    {
        if (options.Delay + options.Finetune > 1)
            throw new UserErrorException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"ProgressiveResizeHook: delay {options.Delay} and finetune {options.Finetune} are more than the whole run; "
                        + $"together at most 1 was expected."
                )
            );
        _options = options;
    }

    /// <summary>How long a side is at a point of the run.</summary>
    /// <param name="side">The pipeline's, in pixels.</param>
    /// <param name="fraction">Of the run, 0 to 1.</param>
    public int SideAt(int side, double fraction)
    {
        var growth = 1 - _options.Delay - _options.Finetune;
        var grown =
            fraction >= 1 - _options.Finetune ? 1
            : fraction < _options.Delay ? 0
            : (fraction - _options.Delay) / growth;
        var scale = _options.InitialScale + ((1 - _options.InitialScale) * grown);
        if (scale >= 1)
            return side;
        var rounded = (int)Math.Round(side * scale / _options.Multiple, MidpointRounding.AwayFromZero) * _options.Multiple;
        return Math.Clamp(rounded, Math.Min(side, _options.Multiple), side);
    }

    public override void BeforeRun(RunState run)
    {
        if (run.Model.Tasks.Contains(DataTask.Detection))
            throw Refused("boxes");
    }

    public override void BeforeIteration(RunState run, Batch batch)
    {
        if (batch.ExtraMaps.Count > 0)
            throw Refused($"the map \"{batch.ExtraMaps.Keys.First()}\"");
        var (height, width) = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        var size = (Height: SideAt(height, run.Progress.Fraction), Width: SideAt(width, run.Progress.Fraction));
        if (_told != size)
            s_log.LogInformation("Images of {0} x {1} pixels from iteration {2} on.", size.Width, size.Height, run.Progress.Iteration + 1);
        _told = size;
        if (size == (height, width))
            return;
        using var nothing = no_grad();
        batch.Images = Replace(batch.Images, Resized(batch.Images, size, InterpolationMode.Area));
        if (batch.SegmentationMaps is { } maps)
            batch.SegmentationMaps = Replace(maps, NearestClasses(maps, size));
    }

    private static UserErrorException Refused(string what) =>
        new($"ProgressiveResizeHook doesn't resize {what}. RandomResize in the pipeline changes sizes with all that lies on the image.");

    private static Tensor Resized(Tensor images, (int Height, int Width) size, InterpolationMode mode) =>
        nn.functional.interpolate(images, [size.Height, size.Width], mode: mode);

    /// <param name="maps">[B, H, W], int64; classes up to 65535 are exact in float32.</param>
    private static Tensor NearestClasses(Tensor maps, (int Height, int Width) size)
    {
        using var scope = NewDisposeScope();
        var floats = maps.to(ScalarType.Float32).unsqueeze(1);
        return scope.MoveToOuter(Resized(floats, size, InterpolationMode.Nearest).squeeze(1).to(ScalarType.Int64));
    }

    /// <summary>A batch owns its tensors.</summary>
    private static Tensor Replace(Tensor before, Tensor after)
    {
        before.Dispose();
        return after.DetachFromDisposeScope();
    }
}
