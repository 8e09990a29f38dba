namespace Tessera.Framework.Data;

/// <summary>
/// One object's mask as COCO's run lengths: pixels column by column, from the top of the left one; runs outside and inside the mask in
/// turn, the first outside (0 where the first pixel is inside). It never changes.
/// </summary>
/// <remarks>Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312.</remarks>
public sealed class RunLengthMask
{
    private readonly int[] _runs;

    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="runs">Lengths in pixels, none below 0; they sum to height * width. 0 is allowed anywhere.</param>
    /// <exception cref="ArgumentException">The image has no pixel or more than 2^31 - 1, a run is negative, or the sum is
    /// another.</exception>
    public RunLengthMask(int height, int width, IReadOnlyList<int> runs)
    {
        if (Fault(height, width, runs) is { } fault)
            throw new ArgumentException(fault, nameof(runs));
        (Height, Width, _runs) = (height, width, [.. runs]);
    }

    /// <summary>Rows of the image.</summary>
    public int Height { get; }

    /// <summary>Columns of the image.</summary>
    public int Width { get; }

    /// <summary>Lengths in pixels, summing to <see cref="Height"/> * <see cref="Width"/>.</summary>
    public IReadOnlyList<int> Runs => _runs;

    /// <summary>Pixels inside.</summary>
    public long Area
    {
        get
        {
            var area = 0L;
            for (var i = 1; i < _runs.Length; i += 2)
                area += _runs[i];
            return area;
        }
    }

    public bool IsEmpty => Area == 0;

    /// <summary>The smallest upright box around all pixels inside, in pixels, pixel corners at integers; all 0 for an empty mask.</summary>
    public (int X, int Y, int Width, int Height) Box
    {
        get
        {
            var (left, top, right, bottom) = (Width, Height, -1, -1);
            var start = 0;
            for (var i = 0; i < _runs.Length; i++)
            {
                if (i % 2 == 1 && _runs[i] > 0)
                {
                    var last = start + _runs[i] - 1;
                    var (x1, x2) = (start / Height, last / Height);
                    var (y1, y2) = x1 == x2 ? (start % Height, last % Height) : (0, Height - 1);
                    (left, right) = (Math.Min(left, x1), Math.Max(right, x2));
                    (top, bottom) = (Math.Min(top, y1), Math.Max(bottom, y2));
                }
                start += _runs[i];
            }
            return right < 0 ? (0, 0, 0, 0) : (left, top, right - left + 1, bottom - top + 1);
        }
    }

    /// <summary>Why these are no run lengths of such an image; null where they are.</summary>
    public static string? Fault(int height, int width, IReadOnlyList<int> runs)
    {
        if (height <= 0 || width <= 0 || (long)height * width > int.MaxValue)
            return $"an image of {width} x {height} can't have a mask: 1 to {int.MaxValue} pixels are possible";
        var sum = 0L;
        for (var i = 0; i < runs.Count; i++)
        {
            if (runs[i] < 0)
                return $"run {i} is negative ({runs[i]})";
            sum += runs[i];
        }
        return sum == (long)height * width
            ? null
            : $"its runs sum to {sum}, but the image of {width} x {height} has {(long)height * width} pixels";
    }

    /// <summary>A mask from its pixels.</summary>
    /// <param name="mask">H x W x 1, UInt8; not 0 is inside.</param>
    /// <exception cref="ArgumentException">It is no such image.</exception>
    public static RunLengthMask Of(Image mask)
    {
        if (mask.Channels != 1 || mask.Type != PixelType.UInt8)
            throw new ArgumentException($"A mask is H x W x 1 UInt8, not {mask.Channels} channels of {mask.Type}.", nameof(mask));
        return Of(mask.Bytes, mask.Height, mask.Width);
    }

    /// <param name="pixels">[height * width], row by row; not 0 is inside.</param>
    internal static RunLengthMask Of(ReadOnlySpan<byte> pixels, int height, int width)
    {
        var runs = new List<int>();
        var (inside, length) = (false, 0);
        for (var x = 0; x < width; x++)
        for (var (y, at) = (0, x); y < height; y++, at += width)
        {
            if (pixels[at] != 0 != inside)
            {
                runs.Add(length);
                (inside, length) = (!inside, 0);
            }
            length++;
        }
        runs.Add(length);
        return new RunLengthMask(height, width, runs);
    }

    /// <summary>The pixels that masks with at least half of the weight have inside.</summary>
    /// <param name="masks">At least one, all of one size.</param>
    /// <param name="weights">As many, none negative and not all 0.</param>
    /// <exception cref="ArgumentException">They are not so.</exception>
    public static RunLengthMask Vote(IReadOnlyList<RunLengthMask> masks, IReadOnlyList<double> weights)
    {
        if (masks.Count == 0 || masks.Any(mask => mask.Height != masks[0].Height || mask.Width != masks[0].Width))
            throw new ArgumentException("Masks that vote are of one size.", nameof(masks));
        if (weights.Count != masks.Count || weights.Any(weight => !(weight >= 0)) || !(weights.Sum() > 0))
            throw new ArgumentException($"{masks.Count} masks need as many weights, not negative and not all 0.", nameof(weights));
        if (masks.Count == 1)
            return masks[0];
        var borders = masks.SelectMany((mask, which) => mask.Borders().Select(at => (At: at, Which: which))).OrderBy(border => border.At);
        var half = weights.Sum() / 2;
        var has = new bool[masks.Count];
        var runs = new List<int>();
        var (inside, start) = (false, 0);
        foreach (var pixel in borders.GroupBy(border => border.At))
        {
            foreach (var (_, which) in pixel)
                has[which] = !has[which];
            // Summed anew: what is added and taken off again leaves rounding behind, and halves are common.
            if (weights.Where((_, which) => has[which]).Sum() >= half == inside)
                continue;
            runs.Add(pixel.Key - start);
            (inside, start) = (!inside, pixel.Key);
        }
        runs.Add((masks[0].Height * masks[0].Width) - start);
        return new RunLengthMask(masks[0].Height, masks[0].Width, runs);
    }

    /// <summary>Where runs begin, but for the first; pixels are counted column by column.</summary>
    private IEnumerable<int> Borders()
    {
        var at = 0;
        for (var i = 0; i < _runs.Length - 1; i++)
            yield return at += _runs[i];
    }

    /// <returns>H x W x 1, UInt8, 1 inside and 0 outside.</returns>
    public Image ToImage()
    {
        var image = new Image(Height, Width, 1);
        var (x, y) = (0, 0);
        for (var i = 0; i < _runs.Length; i++)
        {
            if (i % 2 == 0)
            {
                var end = (long)x * Height + y + _runs[i];
                (x, y) = ((int)(end / Height), (int)(end % Height));
                continue;
            }
            for (var left = _runs[i]; left > 0; left--)
            {
                image.Bytes[(long)y * Width + x] = 1;
                if (++y == Height)
                    (x, y) = (x + 1, 0);
            }
        }
        return image;
    }
}
