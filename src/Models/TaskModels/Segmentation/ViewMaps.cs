using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Models.Heads.Segmentation;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>The logits of all views of one image, and the classes that they make of the original image's pixels.</summary>
/// <param name="maps">For each view [1, classes, h, w], float32, covering the whole view.</param>
/// <param name="size">Of the image that the network was shown, before it was scaled.</param>
/// <param name="form">How the maps lie on the image, and what their values are.</param>
internal sealed class ViewMaps(View[] views, Tensor[] maps, (long Height, long Width) size, ClassMapForm form)
{
    /// <summary>Values held at once, so that large images of many classes fit.</summary>
    public long Budget { get; init; } = 1 << 24;

    private long Channels => maps[0].shape[1];

    /// <summary>The most probable class of every pixel.</summary>
    /// <param name="geometry">How the image came to be what the network was shown; null where it is the original.</param>
    public Image Classes(Geometry? geometry)
    {
        geometry ??= Original;
        var (height, width) = (geometry.OriginalHeight, geometry.OriginalWidth);
        var wide = Channels > 255;
        var image = new Image(
            height,
            width,
            1,
            wide ? PixelType.UInt16 : PixelType.UInt8,
            new byte[checked(height * width * (wide ? 2 : 1))]
        );
        ByRows(geometry, (scores, top) => Write(scores.max(1).indexes.flatten(), image, top * width)); // several times as fast as argmax
        return image;
    }

    /// <summary>The probabilities of every pixel.</summary>
    /// <returns>[classes, H, W], float32, on the maps' device; in no dispose scope, the caller's.</returns>
    public Tensor Probabilities(Geometry? geometry)
    {
        var parts = new List<Tensor>();
        ByRows(
            geometry ?? Original,
            (scores, _) => parts.Add((views.Length == 1 ? form.Probabilities(scores) : scores).squeeze(0).DetachFromDisposeScope())
        );
        if (parts is [var whole])
            return whole;
        whole = cat(parts, 1).DetachFromDisposeScope();
        parts.ForEach(part => part.Dispose());
        return whole;
    }

    private Geometry Original => new((int)size.Height, (int)size.Width, Matrix3x2.Identity);

    /// <summary>The scores of the original image's pixels, as many rows at once as the budget has room for.</summary>
    /// <param name="use">Gets [1, classes, rows, W] and the first row's number.</param>
    public void ByRows(Geometry? given, Action<Tensor, int> use)
    {
        var geometry = given ?? Original;
        var (height, width) = (geometry.OriginalHeight, geometry.OriginalWidth);
        var plain = IsPlain(geometry) && Channels * height * width <= Budget;
        var rows = plain ? height : (int)Math.Clamp(Budget / (Channels * width), 1, height);
        for (var top = 0; top < height; top += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, height - top);
            use(plain ? Mean(map => Upsampling.To(map, [height, width], form.AlignCorners)) : Sampled(geometry, top, count), top);
        }
    }

    /// <summary>
    /// Whether the maps need but be enlarged: the image was only resized, so that its edges are the original's, and what lies
    /// on its corners does so on the original's.
    /// </summary>
    private bool IsPlain(Geometry geometry)
    {
        var m = geometry.Transform;
        return (!form.AlignCorners || m.IsIdentity)
            && m.M12 == 0
            && m.M21 == 0
            && m.M31 == 0
            && m.M32 == 0
            && Math.Abs((m.M11 * geometry.OriginalWidth) - size.Width) < 0.01
            && Math.Abs((m.M22 * geometry.OriginalHeight) - size.Height) < 0.01;
    }

    /// <summary>Probabilities (of one view: logits, which have the same order) at the pixels of some rows of the original image.</summary>
    private Tensor Sampled(Geometry geometry, int top, int count)
    {
        var m = geometry.Transform;
        var device = maps[0].device;
        var x = arange(geometry.OriginalWidth, dtype: ScalarType.Float64, device: device) + 0.5;
        var y = (arange(top, top + count, dtype: ScalarType.Float64, device: device) + 0.5).unsqueeze(1);
        var grid = stack([Unit((x * m.M11) + (y * m.M21) + m.M31, size.Width), Unit((x * m.M12) + (y * m.M22) + m.M32, size.Height)], -1)
            .to(ScalarType.Float32)
            .unsqueeze(0); // [1, rows, columns, 2]
        return Mean(map => nn.functional.grid_sample(map, grid, GridSampleMode.Bilinear, GridSamplePaddingMode.Border, form.AlignCorners));

        // In [-1, 1]: from edge to edge, or from the first pixel's middle to the last one's.
        Tensor Unit(Tensor place, long length) =>
            form.AlignCorners ? ((place - 0.5) * (2.0 / Math.Max(length - 1, 1))) - 1 : (place * (2.0 / length)) - 1;
    }

    private Tensor Mean(Func<Tensor, Tensor> atPixels)
    {
        if (views.Length == 1)
            return atPixels(Straight(0));
        Tensor? sum = null;
        for (var i = 0; i < views.Length; i++)
        {
            var share = form.Probabilities(atPixels(Straight(i))).mul_(views[i].Weight);
            sum = sum is null ? share : sum.add_(share);
        }
        return sum!;
    }

    private Tensor Straight(int i) =>
        views[i] switch
        {
            { FlipX: true, FlipY: true } => maps[i].flip([2, 3]),
            { FlipX: true } => maps[i].flip([3]),
            { FlipY: true } => maps[i].flip([2]),
            _ => maps[i],
        };

    private void Write(Tensor classes, Image image, int at)
    {
        if (image.Type == PixelType.UInt8)
        {
            classes.to(ScalarType.Byte).cpu().Values<byte>().AsSpan().CopyTo(image.Pixels<byte>()[at..]);
            return;
        }
        var target = image.Pixels<ushort>();
        foreach (var value in classes.to(ScalarType.Int32).cpu().Values<int>())
            target[at++] = (ushort)value;
    }
}
