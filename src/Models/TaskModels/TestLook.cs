using Tessera.Models.Detection;
using Tessera.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>One look at a batch in prediction: in a size of its own, perhaps mirrored.</summary>
/// <param name="Size">Height and width of the batch's images.</param>
internal readonly record struct TestLook((int Height, int Width) Size, double Scale, TestFlip? Flip)
{
    private const int Divisor = 32; // sides of images looked at in another size

    private bool IsMirrored => Flip is TestFlip.Horizontal or TestFlip.Diagonal;

    private bool IsUpsideDown => Flip is TestFlip.Vertical or TestFlip.Diagonal;

    /// <summary>Height and width of the images that are looked at.</summary>
    public (int Height, int Width) LookSize => Scale == 1 ? Size : (Scaled(Size.Height, Scale), Scaled(Size.Width, Scale));

    /// <summary>Every size, plain and mirrored.</summary>
    /// <exception cref="UserErrorException">Directions are given for no flip.</exception>
    public static IReadOnlyList<TestLook> All((int Height, int Width) size, bool flip, TestFlip[]? directions, double[]? scales) =>
        [
            .. from scale in scales ?? [1]
            from mirrored in flip ? (directions ?? [TestFlip.Horizontal]).Cast<TestFlip?>().Prepend(null) : [null]
            select new TestLook(size, scale, mirrored),
        ];

    /// <exception cref="UserErrorException">Directions are given for no flip.</exception>
    public static void RequireFlip(string model, bool flip, TestFlip[]? directions)
    {
        if (directions is not null && !flip)
            throw new UserErrorException($"{model}: test.flip_directions has no meaning without test.flip.");
    }

    /// <summary>The images as they are looked at.</summary>
    public Tensor Of(Tensor images)
    {
        images = Upsampling.To(images, [LookSize.Height, LookSize.Width], alignCorners: false);
        return Mirrored(images);
    }

    /// <summary>Images or masks [N, …, H, W], mirrored as the look is; twice is as before.</summary>
    public Tensor Mirrored(Tensor images)
    {
        var dimensions = images.dim();
        if (IsMirrored)
            images = images.flip(dimensions - 1);
        return IsUpsideDown ? images.flip(dimensions - 2) : images;
    }

    /// <summary>Boxes of the look become boxes of the batch, in place.</summary>
    public void ToBatch(Span<float> corners)
    {
        var (height, width) = LookSize;
        var (scaleX, scaleY) = ((float)Size.Width / width, (float)Size.Height / height);
        for (var i = 0; i < corners.Length; i += 4)
        {
            Mirror(corners.Slice(i, 4), height, width);
            Scale4(corners.Slice(i, 4), scaleX, scaleY);
        }
    }

    /// <summary>Boxes of the batch become boxes of the look, in place.</summary>
    public void FromBatch(Span<float> corners)
    {
        var (height, width) = LookSize;
        var (scaleX, scaleY) = ((float)width / Size.Width, (float)height / Size.Height);
        for (var i = 0; i < corners.Length; i += 4)
        {
            Scale4(corners.Slice(i, 4), scaleX, scaleY);
            Mirror(corners.Slice(i, 4), height, width);
        }
    }

    /// <summary>Where an image lies in the look.</summary>
    public ImageArea FromBatch(ImageArea area)
    {
        Span<float> corners = [area.Left, area.Top, area.Right, area.Bottom];
        FromBatch(corners);
        return new ImageArea(corners[0], corners[1], corners[2], corners[3]);
    }

    private void Mirror(Span<float> box, int height, int width)
    {
        if (IsMirrored)
            (box[0], box[2]) = (width - box[2], width - box[0]);
        if (IsUpsideDown)
            (box[1], box[3]) = (height - box[3], height - box[1]);
    }

    private static void Scale4(Span<float> box, float x, float y)
    {
        box[0] *= x;
        box[1] *= y;
        box[2] *= x;
        box[3] *= y;
    }

    private static int Scaled(int side, double scale) => Math.Max(1, (int)Math.Round(side * scale / Divisor)) * Divisor;
}
