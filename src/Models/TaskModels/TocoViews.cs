using Tessera.Framework.Data;
using Tessera.Models.Layers;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Crops of a batch's images, for ToCo's contrast. All chances come from one source.</summary>
internal sealed class TocoViews(RandomSource random)
{
    private const double LeastArea = 0.4;
    private const double MostAspect = 4.0 / 3;
    private const double Contrast = 0.4;
    private const double ContrastChance = 0.8;
    private const double BackgroundShare = 0.2;
    private const int Uncertain = 1;

    /// <summary>Each image once more: a large part of it, enlarged to the same size, perhaps mirrored, of another contrast.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, C, H, W].</returns>
    public Tensor Whole(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.shape[2], images.shape[3]);
        var views = new List<Tensor>();
        for (var i = 0; i < images.shape[0]; i++)
        {
            var area = random.Uniform(LeastArea, 1) * height * width;
            var aspect = Math.Exp(random.Uniform(-Math.Log(MostAspect), Math.Log(MostAspect)));
            var rows = Math.Clamp((int)Math.Round(Math.Sqrt(area / aspect)), 1, (int)height);
            var columns = Math.Clamp((int)Math.Round(Math.Sqrt(area * aspect)), 1, (int)width);
            var part = Part(images, i, random.Next((int)height - rows + 1), random.Next((int)width - columns + 1), rows, columns);
            var view = Upsampling.To(part, [height, width], alignCorners: false);
            views.Add(Contrasted(random.Chance(0.5) ? view.flip(3) : view));
        }
        return scope.MoveToOuter(cat(views));
    }

    /// <summary>Small crops around places that are no certain objects.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="regions">[B, H, W], 8 bits: 0 background, 1 uncertain, 2 objects.</param>
    /// <param name="count">Crops of each image.</param>
    /// <param name="size">Their side.</param>
    /// <returns>[count · B, C, size, size], the first crop of each image first; and [B, 2 + count], 1 for the two whole views and for
    /// crops that show objects, 0 for crops whose regions are 0.2 or less on average.</returns>
    public (Tensor Crops, Tensor Positive) Local(Tensor images, Tensor regions, int count, int size)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width) = ((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
        var (rows, columns) = (height - (size / 2 * 2), width - (size / 2 * 2)); // where a crop may begin
        if (rows < 1 || columns < 1)
            throw new UserErrorException(
                $"Toco: local_crop_size is {size}, but images are {height} x {width} pixels: choose a smaller model.local_crop_size."
            );
        var found = regions.cpu().contiguous().Values<byte>();
        var positive = new float[batch * (2 + count)];
        var crops = new Tensor[count * batch];
        for (var i = 0; i < batch; i++)
        {
            var places = Places(found.AsSpan(i * height * width, height * width), rows, columns, width, size / 2, count);
            for (var c = 0; c < count; c++)
            {
                // Of those not chosen yet; all over again where an image has fewer places than crops.
                var at = c % places.Count;
                var chosen = random.Next(at, places.Count);
                (places[at], places[chosen]) = (places[chosen], places[at]);
                var (top, left) = (Math.Min(places[at] / columns, height - size), Math.Min(places[at] % columns, width - size));
                crops[(c * batch) + i] = Contrasted(Part(images, i, top, left, size, size));
                var sum = 0;
                for (var y = top; y < top + size; y++)
                for (var x = left; x < left + size; x++)
                    sum += found[(((i * height) + y) * width) + x];
                positive[(i * (2 + count)) + 2 + c] = (double)sum / (size * size) <= BackgroundShare ? 0 : 1;
            }
            positive[i * (2 + count)] = positive[(i * (2 + count)) + 1] = 1;
        }
        return (scope.MoveToOuter(cat(crops)), scope.MoveToOuter(tensor(positive).view(batch, 2 + count).to(images.device)));
    }

    // Beginnings of crops whose middle is no certain object; of all crops where those are too few.
    private static List<int> Places(ReadOnlySpan<byte> regions, int rows, int columns, int width, int margin, int count)
    {
        var places = new List<int>();
        for (var y = 0; y < rows; y++)
        for (var x = 0; x < columns; x++)
            if (regions[((y + margin) * width) + x + margin] <= Uncertain)
                places.Add((y * columns) + x);
        return places.Count >= count ? places : [.. Enumerable.Range(0, rows * columns)];
    }

    private static Tensor Part(Tensor images, int image, int top, int left, int rows, int columns) =>
        images.narrow(0, image, 1).narrow(2, top, rows).narrow(3, left, columns);

    // Around each colour's mean.
    private Tensor Contrasted(Tensor view)
    {
        if (!random.Chance(ContrastChance))
            return view;
        var mean = view.mean([2, 3], keepdim: true);
        return ((view - mean) * random.Uniform(1 - Contrast, 1 + Contrast)) + mean;
    }
}
