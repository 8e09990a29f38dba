namespace Tessera.Framework.Processes;

/// <param name="Overlap">On CPUs, gradients are averaged while backward still runs, block by block.</param>
/// <param name="BucketMb">Gradients that travel together, in MB (2^20 bytes).</param>
public sealed record ProcessesOptions(bool Overlap = true, [property: Range(0.001, 1024)] double BucketMb = 8)
{
    internal long BucketBytes => (long)(BucketMb * (1 << 20));
}
