namespace Tessera.Torch;

/// <summary>How the processes of an engine come together before it runs, and hear of one another's end: MPI, or connections to rank
/// 0.</summary>
internal interface IMeetingPoint : IDisposable
{
    int Rank { get; }
    int WorldSize { get; }

    /// <summary>Rank 0's bytes, for all. Every process gives as many.</summary>
    byte[] FromRankZero(byte[] bytes);

    /// <summary>As <see cref="IProcessGroup.Fail"/>.</summary>
    void Fail();
}
