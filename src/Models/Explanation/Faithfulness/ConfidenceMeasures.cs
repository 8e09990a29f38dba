namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>What a class's probability says of a map, for one image; the means over images are the measures' values.</summary>
public static class ConfidenceMeasures
{
    /// <summary>The share of the probability that is lost where only what the map shows is left: AvgDrop's part of one image.</summary>
    /// <param name="whole">Of the image.</param>
    /// <param name="masked">Of the image times the map.</param>
    /// <returns>In [0, 1]; 0 where there was no probability to lose.</returns>
    /// <remarks>Chattopadhay et al., "Grad-CAM++", 2018, arXiv:1710.11063, section 4.1, as a fraction in place of percent.</remarks>
    public static double Drop(double whole, double masked) => whole > 0 ? Math.Max(0, whole - masked) / whole : 0;

    /// <summary>1 where the class becomes more probable when only what the map shows is left, otherwise 0.</summary>
    public static double Increase(double whole, double masked) => masked > whole ? 1 : 0;

    /// <summary>The area below probabilities at equal steps from 0 to 1, by the trapezoidal rule: deletion's and insertion's.</summary>
    /// <param name="probabilities">At least two.</param>
    /// <remarks>Petsiuk et al., "RISE", 2018, arXiv:1806.07421, section 4.2.</remarks>
    public static double Area(ReadOnlySpan<double> probabilities)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(probabilities.Length, 2, nameof(probabilities));
        var sum = (probabilities[0] + probabilities[^1]) / 2;
        foreach (var probability in probabilities[1..^1])
            sum += probability;
        return sum / (probabilities.Length - 1);
    }

    /// <summary>How much the probability changes on average when pixels are removed.</summary>
    /// <param name="whole">Of the image.</param>
    /// <param name="altered">With more and more pixels removed.</param>
    public static double MeanChange(double whole, ReadOnlySpan<double> altered)
    {
        var sum = 0.0;
        foreach (var probability in altered)
            sum += probability - whole;
        return sum / altered.Length;
    }

    /// <summary>ROAD's two orders in one number.</summary>
    /// <param name="mostFirst">Mean change when the most relevant pixels go first; low is good.</param>
    /// <param name="leastFirst">Mean change when the least relevant go first; high is good.</param>
    /// <returns>In [-0.5, 0.5]; 0 for a map that doesn't matter.</returns>
    public static double Combined(double mostFirst, double leastFirst) => (leastFirst - mostFirst) / 2;
}
