namespace Tessera.Framework.Metrics;

/// <summary>Pixels of each class over images, and the IoUs that they give.</summary>
/// <param name="classes">How many.</param>
/// <remarks>IoU = both / (truth + predicted - both). A class that is neither there nor predicted has none (NaN) and is left out of the
/// mean. Others count it as 0 (MCTformer, which divides by the sum + 1e-10), or leave out all classes without truth, those that are
/// wrongly predicted too (nanmean over the truth's classes, as ToCo).</remarks>
public sealed class IoUCounts(int classes)
{
    /// <summary>[classes]: pixels that are of the class and are predicted so.</summary>
    public long[] Both { get; } = new long[classes];

    /// <summary>[classes]: pixels of the class.</summary>
    public long[] Truth { get; } = new long[classes];

    /// <summary>[classes]: pixels that are predicted as the class.</summary>
    public long[] Predicted { get; } = new long[classes];

    /// <summary>Adds what other images have.</summary>
    public void Add(IoUCounts other)
    {
        for (var c = 0; c < Both.Length; c++)
        {
            Both[c] += other.Both[c];
            Truth[c] += other.Truth[c];
            Predicted[c] += other.Predicted[c];
        }
    }

    /// <summary>A class's, NaN where it is neither there nor predicted.</summary>
    public double IoU(int of)
    {
        var union = Truth[of] + Predicted[of] - Both[of];
        return union == 0 ? double.NaN : (double)Both[of] / union;
    }

    /// <summary>The mean of the classes' that are defined; NaN where none is.</summary>
    public double MeanIoU()
    {
        var (sum, defined) = (0.0, 0);
        for (var c = 0; c < Both.Length; c++)
        {
            if (Truth[c] + Predicted[c] == 0)
                continue;
            sum += IoU(c);
            defined++;
        }
        return sum / defined;
    }
}
