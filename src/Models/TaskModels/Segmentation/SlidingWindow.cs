using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>Crops of one size that cover an image; the last of a row or column is moved in, so that none leaves the image.</summary>
internal sealed class SlidingWindow
{
    private readonly HeightWidth _crop,
        _stride;
    private readonly int _together;

    private SlidingWindow(HeightWidth crop, HeightWidth stride, int together) => (_crop, _stride, _together) = (crop, stride, together);

    /// <summary>null where images are taken whole.</summary>
    public static SlidingWindow? From(SegmentationTestOptions options)
    {
        if (options.Mode == SegmentationTestMode.Whole)
        {
            return options.CropSize is null && options.Stride is null
                ? null
                : throw new UserErrorException("test.crop_size and test.stride belong to test.mode \"slide\".");
        }
        var crop = options.CropSize ?? throw new UserErrorException("test.crop_size: mode \"slide\" needs it, for example [512, 512].");
        var stride = options.Stride ?? new HeightWidth(Math.Max(1, crop.Height * 2 / 3), Math.Max(1, crop.Width * 2 / 3));
        if (stride.Height > crop.Height || stride.Width > crop.Width)
            throw new UserErrorException(
                $"test.stride {stride} is larger than test.crop_size {crop}: pixels between the crops would be left out."
            );
        return new SlidingWindow(crop, stride, options.CropBatch);
    }

    /// <summary>Where crops begin along an axis.</summary>
    public static int[] Starts(int length, int crop, int stride)
    {
        if (length <= crop)
            return [0];
        var count = (length - crop + stride - 1) / stride + 1;
        return [.. Enumerable.Range(0, count).Select(i => Math.Min(i * stride, length - crop))];
    }

    /// <summary>The mean of the crops' logits.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="logits">The network.</param>
    /// <param name="form">Of its logits.</param>
    /// <returns>[B, classes, H, W], float32.</returns>
    public Tensor Logits(Tensor images, Func<Tensor, Tensor> logits, ClassMapForm form)
    {
        using var scope = NewDisposeScope();
        var (count, height, width) = ((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
        var (cropHeight, cropWidth) = (Math.Min(height, _crop.Height), Math.Min(width, _crop.Width));
        int[] tops = Starts(height, cropHeight, _stride.Height),
            lefts = Starts(width, cropWidth, _stride.Width);
        var places = (from image in Enumerable.Range(0, count) from top in tops from left in lefts select (image, top, left)).ToArray();

        var sum = zeros([count, form.Classes, height, width], dtype: ScalarType.Float32, device: images.device);
        foreach (var group in places.Chunk(_together))
        {
            using var step = NewDisposeScope();
            var crops = cat([.. group.Select(place => At(images, place.image, place.top, place.left))], 0);
            var seen = form.Enlarge(logits(crops), cropHeight, cropWidth);
            for (var i = 0; i < group.Length; i++)
                At(sum, group[i].image, group[i].top, group[i].left).add_(seen.narrow(0, i, 1));
        }
        var (rows, columns) = (Cover(height, tops, cropHeight), Cover(width, lefts, cropWidth));
        return scope.MoveToOuter(sum.div_(rows.unsqueeze(1) * columns));

        Tensor At(Tensor whole, int image, int top, int left) =>
            whole.narrow(0, image, 1).narrow(2, top, cropHeight).narrow(3, left, cropWidth);

        // How many crops cover each place along an axis; over the plane the counts multiply.
        Tensor Cover(int length, int[] starts, int crop)
        {
            var counts = new float[length];
            foreach (var start in starts)
                for (var i = 0; i < crop; i++)
                    counts[start + i]++;
            return tensor(counts, device: images.device);
        }
    }
}
